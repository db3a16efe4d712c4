# Usage: ruby send.rb HOST PORT
require "riemann/client"

client = Riemann::Client.new(host: ARGV[0], port: ARGV[1].to_i, timeout: 5)
event = { host: "web1", time: 1_700_000_000 }
client.tcp << event.merge(service: "ruby int", state: "ok", metric: 7)
client.tcp << event.merge(service: "ruby full", state: "critical", metric: 2.53, description: "slow",
                          tags: ["http", "slow"], ttl: 20, foo: "bar")
client.udp << event.merge(service: "ruby udp", metric: -1)
found = client['service = "seed"']
abort "the seed's query gave #{found.inspect}" unless found.map(&:description) == ["sown"]
begin
  client["service ="]
  abort "a bad query succeeded"
rescue Riemann::Client::ServerError => e
  puts e.message
end
