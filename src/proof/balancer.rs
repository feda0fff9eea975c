//! The way through the load balancer: what answers behind its address is the cluster, and every
//! server takes its share.
