# shellcheck shell=bash
# What goes wrong with hosts in real life. (Cutting them off is in network.sh.)
