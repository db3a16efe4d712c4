// Usage: node send.js HOST PORT
const riemann = require("riemann");

const fail = (err) => { console.error(err); process.exit(1); };

(async () => {
  try {
    const client = await riemann.createClient({ host: process.argv[2], port: process.argv[3], returnPromise: true });
    const event = (fields) => client.Event({ host: "web1", time: 1700000000, ...fields });
    await client.send(event({ service: "node int", state: "ok", metric: 7 }), client.tcp);
    await client.send(event({
      service: "node full", state: "critical", metric: 2.5, description: "slow", tags: ["http", "slow"], ttl: 20,
      attributes: [{ key: "foo", value: "bar" }],
    }), client.tcp);
    await client.send(event({ service: "node udp", metric: 1.5 }), client.udp);
    const found = await client.send(client.Query({ string: 'service = "seed"' }));
    if (found.events.length !== 1 || found.events[0].description !== "sown") fail("the seed's query gave " + JSON.stringify(found));
    const bad = await client.send(client.Query({ string: "service =" }));
    if (bad.ok || !bad.error) fail("a bad query succeeded: " + JSON.stringify(bad));
    console.log(bad.error);
    process.exit(0);
  } catch (err) { fail(err); }
})();
