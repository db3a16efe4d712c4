package streams

import (
	"strings"
	"testing"
	"testing/fstest"
)

func loadTable(files map[string]string, rule string) (*Rules, Problems) {
	fs := fstest.MapFS{"conf/x.expr": {Data: []byte(rule)}}
	for name, text := range files {
		fs["conf/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return Load([]string{"conf/x.expr"}, LoadOptions{FS: fs, Taps: true, Getenv: noEnv})
}

func TestEnrichFromFiles(t *testing.T) {
	const script = `;
test("t", at(0, event({host: "web1", state: "up", attributes: {owner: "me", zone: "z"}}), event({host: "db,1"}), event({service: "none"}), event({host: "x"})), expect(out, %))`
	const want = `[{host: "web1", state: "ok", metric: 7, tags: ["a", "b"], attributes: {owner: "ops", zone: "z"}}, {host: "db,1", state: nil, attributes: {owner: "the \"dba\""}}, {service: "none"}, {host: "x"}]`
	const kept = `[{host: "web1", state: "up", metric: 7, tags: ["a", "b"], attributes: {owner: "me", zone: "z"}}, {host: "db,1", attributes: {owner: "the \"dba\""}}, {service: "none"}, {host: "x"}]`
	files := map[string]string{
		"hosts.csv":  "\uFEFFhost,owner,state,metric,tags\nweb1,ops,ok,7,a b\n\"db,1\",\"the \"\"dba\"\"\",,,\n",
		"hosts.json": `{"web1": {"attributes": {"owner": "ops"}, "state": "ok", "metric": 7, "tags": ["a", "b"]}, "db,1": {"owner": "the \"dba\"", "state": null}}`,
	}
	for _, rule := range []string{`enrich(host, "hosts.csv", out)`, `enrich(host, "hosts.json", out)`, `let t = "hosts.csv"; enrich(host, t, out)`} {
		for _, keep := range []bool{false, true} {
			text, expect := rule, want
			if keep {
				text, expect = strings.Replace(rule, ", out", ", {keep: true}, out", 1), kept
			}
			rules, problems := loadTable(files, text+strings.Replace(script, "%", expect, 1))
			if problems.Err() != nil {
				t.Errorf("%s\n%v", text, problems)
				continue
			}
			if len(rules.Tables) != 1 || files[strings.TrimPrefix(rules.Tables[0].Name, "conf/")] != rules.Tables[0].Text {
				t.Errorf("%s: the rules name the tables %v", text, rules.Tables)
			}
			for _, r := range rules.RunTests(RunOptions{}) {
				for _, f := range r.Failures {
					t.Errorf("%s\n%s", text, f)
				}
			}
		}
	}
}

func TestEnrichTableProblems(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"t.txt", "", "want a file named .csv or .json"},
		{"t.csv", "", "line 1: no header"},
		{"t.csv", "host,owner\nweb1\n", "line 2: wrong number of fields"},
		{"t.csv", "host,owner\nweb1,a\n\nweb1,b\n", `line 4: the key "web1" is there twice`},
		{"t.csv", "host,metric\nweb1,many\n", `line 2: metric is a number, found "many"`},
		{"t.csv", "host,metric\nweb1,NaN\n", `line 2: metric is a number, found "NaN"`},
		{"t.csv", "host,\nweb1,x\n", `line 2: column "": an attribute has a name and a text`},
		{"t.csv", "host,owner\n\"web1,a\n", `line 2: extraneous or missing " in quoted-field`},
		{"t.json", "[]", "cannot unmarshal array"},
		{"t.json", `{"web1": {"a": {}}}`, `key "web1": a: want a text, a number or a list of texts`},
		{"t.json", `{"web1": {"tags": [1]}}`, `key "web1": tags: want a list of texts`},
		{"t.json", `{"web1": {"state": 1}}`, `key "web1": state is a text, found 1`},
		{"t.json", `{"web1": `, "unexpected EOF"},
	} {
		_, problems := loadTable(map[string]string{c.name: c.text}, `enrich(host, "`+c.name+`", out)`)
		if err := problems.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q\n got %v\nwant %s", c.name, c.text, err, c.want)
		}
	}
	for rule, want := range map[string]string{
		`enrich(host, "none.csv", out)`:                 "read conf/none.csv: file does not exist",
		`enrich(host, 7, out)`:                          "a map of rows or the name of a file",
		`enrich(host, {"web1": "ops"}, out)`:            "no row",
		`enrich(host, {"web1": {state: 1}}, out)`:       "state is a text, found 1",
		`enrich(host, {"web1": {owner: host}}, out)`:    "host",
		`enrich(host, {"web1": {metric: "x"}}, out)`:    `metric is a number, found "x"`,
		`enrich(host, {"web1": {owner: ["x"]}}, out)`:   "an attribute has a name and a text",
		`enrich(host, {"web1": {tags: ["a", 1]}}, out)`: "tags",
		`enrich({"web1": {owner: "ops"}}, host, out)`:   "enrich",
	} {
		_, problems := loadTable(nil, rule)
		if err := problems.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", rule, err, want)
		}
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add("t.csv", "host,owner,metric,tags\nweb1,ops,7,a b\n")
	f.Add("t.json", `{"web1": {"attributes": {"owner": "ops"}, "metric": 7, "tags": ["a"]}}`)
	f.Fuzz(func(t *testing.T, name, text string) {
		table, err := readTable(name, text)
		if err != nil && len(table.rows) > 0 {
			t.Error("rows beside an error")
		}
	})
}
