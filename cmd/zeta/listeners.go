package main

import _ "zeta/brokers" // listen.nats, listen.kafka, listen.rabbitmq
