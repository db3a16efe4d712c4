//go:build !nobrokers

package main

import _ "zeta/brokers" // listen.nats, listen.kafka, listen.rabbitmq: 8 MB of the binary
