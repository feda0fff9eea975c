//! How an external load balancer is configured for this cluster: a pure function of the topology.
//!
//! All say the same (docs/facts.md, "External load balancers"): TCP pass-through to port 6443 of every
//! server, the one with the fewest connections; `/ping` shows that a server is there; a connection on
//! which nothing is said stays for an hour.

use std::fmt::Write as _;

use super::{API, Topology};

/// What a recipe is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RecipeKind {
    Haproxy,
    F5,
    NginxPlus,
    Aws,
    /// Any other, also of other clouds
    Other,
}

impl RecipeKind {
    pub const ALL: [RecipeKind; 5] = [
        RecipeKind::Haproxy,
        RecipeKind::F5,
        RecipeKind::NginxPlus,
        RecipeKind::Aws,
        RecipeKind::Other,
    ];
}

impl Topology {
    /// The recipe of one kind, with the addresses and ports of this cluster. Its first line says what it
    /// is.
    pub fn recipe(&self, kind: RecipeKind) -> String {
        match kind {
            RecipeKind::Haproxy => self.haproxy(),
            RecipeKind::F5 => self.f5(),
            RecipeKind::NginxPlus => self.nginx_plus(),
            RecipeKind::Aws => self.aws(),
            RecipeKind::Other => self.other(),
        }
    }

    /// The servers with their port, each formatted.
    fn behind(&self, each: impl Fn(&str, String) -> String) -> String {
        let servers = self.servers.iter();
        let servers = servers.map(|server| each(&server.name, server.at(API).to_string()));
        servers.collect()
    }

    fn haproxy(&self) -> String {
        let cluster = &self.cluster;
        let at = &self.api.at;
        let bind = match at.socket() {
            Some(at) => at.to_string(),
            None => format!(":::{} v4v6", at.port),
        };
        let servers =
            self.behind(|name, at| format!("    server {name} {at} check check-ssl verify none\n"));
        format!(
            "\
# HAProxy 2.2 or newer: the API of the K3s cluster {cluster} at {at}
frontend k3s-api-{cluster}
    bind {bind}
    mode tcp
    timeout client 1h
    default_backend k3s-servers-{cluster}

backend k3s-servers-{cluster}
    mode tcp
    balance leastconn
    timeout connect 3s
    timeout check 3s
    timeout server 1h
    option redispatch 1
    option httpchk
    http-check send meth GET uri /ping ver HTTP/1.1 hdr Host k3s hdr Connection close
    http-check expect string pong
    default-server inter 3s fall 2 rise 2 on-marked-down shutdown-sessions
{servers}"
        )
    }

    fn f5(&self) -> String {
        let cluster = &self.cluster;
        let at = &self.api.at;
        // Between an IPv6 address and its port, tmsh has a dot.
        let tmsh = |ip: std::net::IpAddr, port| match ip {
            std::net::IpAddr::V4(ip) => format!("{ip}:{port}"),
            std::net::IpAddr::V6(ip) => format!("{ip}.{port}"),
        };
        let destination = match at.name.ip() {
            Some(ip) => tmsh(ip, at.port),
            None => format!("ADDRESS_OF_{}:{}", at.name, at.port),
        };
        let servers = self.servers.iter();
        let members: Vec<_> = servers.map(|server| tmsh(server.ip, API)).collect();
        format!(
            "\
# F5 BIG-IP, in tmsh: the API of the K3s cluster {cluster} at {at}
create ltm monitor https k3s-ping-{cluster} interval 3 timeout 10 send \"GET /ping HTTP/1.1\\\\r\\\\nHost: k3s\\\\r\\\\nConnection: close\\\\r\\\\n\\\\r\\\\n\" recv pong
create ltm profile tcp k3s-tcp-{cluster} defaults-from tcp idle-timeout 3600
create ltm pool k3s-servers-{cluster} load-balancing-mode least-connections-member monitor k3s-ping-{cluster} service-down-action reset reselect-tries 2 members add {{ {} }}
create ltm virtual k3s-api-{cluster} destination {destination} ip-protocol tcp pool k3s-servers-{cluster} profiles add {{ k3s-tcp-{cluster} }} source-address-translation {{ type automap }}
save sys config
",
            members.join(" ")
        )
    }

    fn nginx_plus(&self) -> String {
        let cluster = &self.cluster;
        let at = &self.api.at;
        let listen = match at.socket() {
            Some(at) => at.to_string(),
            None => at.port.to_string(),
        };
        let servers = self.behind(|_, at| format!("        server {at};\n"));
        format!(
            "\
# NGINX Plus, beside http {{}}: the API of the K3s cluster {cluster} at {at}
stream {{
    upstream k3s-servers-{cluster} {{
        zone k3s-servers-{cluster} 64k;
        least_conn;
{servers}    }}
    server {{
        listen {listen};
        proxy_pass k3s-servers-{cluster};
        proxy_connect_timeout 3s;
        proxy_timeout 1h;
        # Checks the TCP connection only, which is enough: K3s does not listen before it serves /ping.
        health_check interval=3 fails=2 passes=2;
    }}
}}
"
        )
    }

    fn aws(&self) -> String {
        let cluster = &self.cluster;
        let at = &self.api.at;
        let servers = self.servers.iter();
        let targets = servers.map(|server| format!("Id={},Port={API}", server.ip));
        let targets: Vec<_> = targets.collect();
        let mut text = format!(
            "# AWS, a Network Load Balancer: the API of the K3s cluster {cluster} at {at}\n\
             # Replace the words in capitals. preserve_client_ip is off so that a server can reach itself, too.\n"
        );
        for command in [
            format!(
                "create-target-group --name k3s-{cluster} --protocol TCP --port {API} --vpc-id VPC \
                 --target-type ip --health-check-protocol HTTPS --health-check-path /ping \
                 --health-check-interval-seconds 5 --healthy-threshold-count 2 \
                 --unhealthy-threshold-count 2"
            ),
            "modify-target-group-attributes --target-group-arn GROUP --attributes \
             Key=preserve_client_ip.enabled,Value=false"
                .to_owned(),
            format!(
                "register-targets --target-group-arn GROUP --targets {}",
                targets.join(" ")
            ),
            format!(
                "create-load-balancer --name k3s-{cluster} --type network --scheme internal --subnets \
                 SUBNETS"
            ),
            format!(
                "create-listener --load-balancer-arn BALANCER --protocol TCP --port {} \
                 --default-actions Type=forward,TargetGroupArn=GROUP",
                at.port
            ),
            "modify-listener-attributes --listener-arn LISTENER --attributes \
             Key=tcp.idle_timeout.seconds,Value=3600"
                .to_owned(),
        ] {
            let _ = writeln!(text, "aws elbv2 {command}");
        }
        text
    }

    fn other(&self) -> String {
        let cluster = &self.cluster;
        let at = &self.api.at;
        let servers = self.behind(|name, at| format!("#   {at} ({name})\n"));
        format!(
            "\
# Any other load balancer: the API of the K3s cluster {cluster} at {at}
# Forward TCP, port {} to each of these, without terminating TLS: clients have certificates.
{servers}\
# Balance by least connections, and retry on another server if one refuses. Turn off session
#   persistence.
# Check each server every 3 s: GET https://SERVER:{API}/ping answers 200 and pong, without a login. Do not
#   verify its certificate, or verify it under the cluster's own CA. /readyz and /healthz answer 401.
# Close the connections to a server that is down. Set the idle timeout to an hour.
# Let it reach {API}/tcp of every server. If it preserves client addresses, a server may be unable to reach
#   itself through it: the cluster does not need that.
",
            at.port
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Answers;

    fn told(endpoint: &str, answers: &str) -> String {
        let mut answers = Answers::from_toml(answers).unwrap();
        answers.load_balancer.endpoint = Some(endpoint.into());
        let topology = Topology::of(&answers).unwrap();
        RecipeKind::ALL.map(|kind| topology.recipe(kind)).join("\n")
    }

    #[test]
    fn recipes_have_the_addresses_of_the_cluster() {
        let lab = include_str!("../../tests/lab/answers.toml");
        insta::assert_snapshot!("by_address", told("198.51.100.1", lab));
        insta::assert_snapshot!("by_name", told("lb.example:443", lab));
        let six = lab.replace("address = \"198.51.100.", "address = \"2001:db8::");
        insta::assert_snapshot!("ipv6", told("[2001:db8::1]:443", &six));
    }
}
