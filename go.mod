module zeta

go 1.26.0

require (
	collectd.org v0.6.0 // tests: a second reader of collectd's packets
	github.com/DataDog/sketches-go v1.4.8 // quantiles in bounded memory, mergeable
	github.com/expr-lang/expr v1.17.8 // the parser of the rule language; its machine is the tests' oracle
	github.com/fsnotify/fsnotify v1.10.1 // rules that change on disk
	github.com/gorilla/websocket v1.5.3 // websockets
	github.com/klauspost/compress v1.20.3 // snappy, for Prometheus remote write
	github.com/leodido/go-syslog/v4 v4.6.0 // RFC 5424 and 3164
	github.com/nats-io/nats-server/v2 v2.15.2 // tests: a NATS server in the process
	github.com/nats-io/nats.go v1.55.0 // listen.nats
	github.com/prometheus/client_golang v1.25.0 // /metrics
	github.com/prometheus/client_model v0.6.3 // /metrics
	github.com/rabbitmq/amqp091-go v1.16.0 // listen.rabbitmq
	github.com/riemann/riemann-go-client v0.5.1-0.20211206220514-f58f10cdce16 // package client; tests: protobuf's own reading of Riemann's messages. No newer release is usable
	github.com/rogpeppe/go-internal v1.16.0 // tests: txtar and testscript
	github.com/shirou/gopsutil/v4 v4.26.10 // this machine's health
	github.com/slack-go/slack v0.35.0 // the slack sink
	github.com/twmb/franz-go v1.22.2 // listen.kafka
	github.com/twmb/franz-go/pkg/kfake v0.0.0-20260918054303-01f206a7e32c // tests: a Kafka broker in the process
	github.com/wneessen/go-mail v0.8.1 // the email sink: TLS and logins of SMTP
	go.etcd.io/bbolt v1.5.0 // the outbox: crash-safe, one file
	go.opentelemetry.io/proto/otlp v1.11.1 // messages of OTLP
	go.uber.org/goleak v1.3.0 // tests: no goroutine is left
	golang.org/x/net v0.62.0 // multicast and ping sockets
	golang.org/x/sys v0.50.0 // preallocation and locks of files
	google.golang.org/protobuf v1.36.12 // the wire format
	pgregory.net/rapid v1.3.0 // tests: models and random operations
)

require (
	github.com/antithesishq/antithesis-sdk-go v0.8.0-default-no-op // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/ebitengine/purego v0.11.2 // indirect
	github.com/go-ole/go-ole v1.2.6 // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/lufia/plan9stats v0.0.0-20211012122336-39d0f177ccd0 // indirect
	github.com/minio/highwayhash v1.0.4 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/nats-io/jwt/v2 v2.8.2 // indirect
	github.com/nats-io/nkeys v0.4.16 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/pierrec/lz4/v4 v4.1.33 // indirect
	github.com/power-devops/perfstat v0.0.0-20260805114148-88456608a4f6 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/tklauser/go-sysconf v0.4.0 // indirect
	github.com/tklauser/numcpus v0.12.0 // indirect
	github.com/twmb/franz-go/pkg/kmsg v1.15.0 // indirect
	github.com/yusufpapurcu/wmi v1.2.4 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/time v0.16.0 // indirect
	golang.org/x/tools v0.51.0 // indirect
	gopkg.in/tomb.v2 v2.0.0-20161208151619-d5d1b5820637 // indirect
)
