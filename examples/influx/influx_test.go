// Package influx drives InfluxDB's clients against a zeta.
package influx

import (
	"flag"
	"strings"
	"testing"

	"zeta/internal/rig"
)

var realPrograms = flag.Bool("real", false, "run InfluxDB's clients (see install.sh)")

func TestRealClients(t *testing.T) {
	if !*realPrograms {
		t.Skip("drives InfluxDB's clients; run install.sh once and then: go test . -real")
	}
	door := rig.FreeAddr(t)
	z := rig.Start(t, rig.Options{Rules: "zeta.expr", Env: []string{"ZETA_INFLUX=" + door}})
	said := rig.Run(t, nil, rig.Cached(t, "influx", "bin", "python"), "send.py", rig.Port(door))
	for _, want := range []string{
		"2.x ping True pass\n",
		"2.x partial write: unable to parse line 2: column 5: field \"v=x\"; want a number, 1i, 1u, true, false or a text in quotes; events taken: 1\n",
		"2.x wrong token 401\n", "1.x ping 1.8.0-zeta\n", "1.x True\n",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the clients said\n%s, want %q in it", said, want)
		}
	}
	at := "2023-11-14T22:13:20.250Z"
	for service, want := range map[string]map[string]any{
		"new/v": {"metric": 1.5, "time": at, "region": "eu"}, "new/n": {"metric": 3, "time": at}, "new/up": {"metric": 1}, "new/good": {"metric": 1},
		"new/text": {"metric": nil, "description": "it is \"late\"\nand dark"}, "old/v": {"metric": 2.5, "time": "2023-11-14T22:13:20.000Z"},
	} {
		z.Want(t, `host = "web1" and service = "`+service+`"`, want)
	}
}
