package streams

import (
	"strings"
	"testing"
)

// TestExprProblems has every mistake with the whole of what is said about it.
func TestExprProblems(t *testing.T) {
	for text, want := range map[string]string{
		`metrc > 1`:                  `0-5: unknown name metrc | an event has host, service, state, metric, description, tags, time, ttl; attributes are attributes.NAME | did you mean "metric"?`,
		`metric`:                     `0-6: metric is a number | a condition is a comparison, true or false | compare it: metric > 0 or metric != nil`,
		`state`:                      `0-5: state is a string | a condition is a comparison, true or false | compare it: state == "…" or state != nil`,
		`tags`:                       `0-4: tags is a list | a condition is a comparison, true or false | ask for what it holds: "…" in tags or len(tags) > 0`,
		`not metric`:                 `4-10: metric is a number | a condition is a comparison, true or false | compare it: metric > 0 or metric != nil`,
		`metric > 1 and state`:       `15-20: state is a string | a condition is a comparison, true or false | compare it: state == "…" or state != nil`,
		`state == 5`:                 `6-8: state is a string, 5 is a number | the two sides of == are of one kind | write state == "5"`,
		`metric > "5"`:               `7-8: metric is a number, "5" is a string | the two sides of > are both numbers or both strings`,
		`metric == "5"`:              `7-9: metric is a number, "5" is a string | the two sides of == are of one kind | write metric == 5`,
		`metric > nil`:               `9-12: > with nil is never true | test for a missing value with == nil`,
		`nil in tags`:                `0-3: nil in a list is never true | test for a missing value with == nil`,
		`state in ["ok", nil]`:       `16-19: nil inside a list | nothing ever equals an item that is missing | ask for it apart: x == nil or x in […]`,
		`state in ["ok", 5]`:         `16-17: 5 is a number, state is a string | the items are of the kind of the left side | write state == "5"`,
		`metric in tags`:             `0-6: metric is a number, and tags holds only strings`,
		`state in "ok"`:              `9-13: "ok" is a string | in takes a list or a map on its right | write "ok" contains state, or state == "ok"`,
		`state in service`:           `9-16: service is a string | in takes a list or a map on its right | write service contains state, or state == service`,
		`not state in ["ok"]`:        `0-3: not here negates state alone: it is read as (not state) in ["ok"] | write state not in ["ok"]`,
		`not state == "ok"`:          `0-3: not here negates state alone: it is read as (not state) == "ok" | write state != "ok"`,
		`not metric > 5`:             `0-3: not here negates metric alone: it is read as (not metric) > 5 | write not (metric > 5)`,
		`not service startsWith "a"`: `0-3: not here negates service alone: it is read as (not service) startsWith "a" | write service not startsWith "a"`,
		`not service matches "a"`:    `0-3: not here negates service alone: it is read as (not service) matches "a" | write service not matches "a"`,
		`!state contains "a"`:        `0-1: ! here negates state alone: it is read as (! state) contains "a" | write state not contains "a"`,
		`tags contains "x"`:          `0-4: tags is a list | contains takes strings | write "x" in tags`,
		`tags == "x"`:                `5-7: tags is a list, "x" is a string | the two sides of == are of one kind | write "x" in tags`,
		`service matches host`:       `16-20: host is no constant string | matches takes a pattern that is known when the rules are loaded`,
		`service matches "("`:        `16-19: the pattern "(" does not compile: missing closing ) | patterns are Go's regular expressions`,
		`service matches "a(?=b)"`:   `16-24: the pattern "a(?=b)" does not compile: invalid or unsupported Perl syntax: (?= | patterns are Go's regular expressions | there is no looking ahead or back; use two conditions joined by and`,
		`service + metric == "x"`:    `10-16: metric is a number | + takes two numbers or two strings | string(metric) makes it a string`,
		`metric + service > 1`:       `0-6: metric is a number | + takes two numbers or two strings | string(metric) makes it a string`,
		`-state == 1`:                `1-6: state is a string | the sign - takes a number | float(state) makes it one`,
		`metric / 0 > 1`:             `7-8: a division by zero | its result is always missing`,
		`1 / 0 > 1`:                  `2-3: a division by zero | its result is always missing`,
		`upper(metric) == "X"`:       `6-12: metric is a number | upper takes a string | string(metric) makes it one`,
		`uper(state) == "X"`:         `0-4: unknown function uper | did you mean "upper"?`,
		`upper() == "X"`:             `0-5: upper called with 0 arguments | it is upper(s string) string`,
		`upper(state, 1) == "X"`:     `0-5: upper called with 2 arguments | it is upper(s string) string`,
		`abs(state) > 1`:             `4-9: state is a string | abs takes a number | float(state) makes it one`,
		`state("x")`:                 `0-5: state is a field, not a function | write state`,
		`now > 5`:                    `0-3: now is a function | call it: now(…)`,
		`acc.metric > 5`:             `0-3: unknown name acc | acc is the accumulator of sreduce and known only there`,
		`event.metrc > 5`:            `6-11: an event has no metrc | an event has host, service, state, metric, description, tags, time, ttl; attributes are attributes.NAME | did you mean "metric"?`,
		`metric.x > 5`:               `7-8: metric has no x | metric is a number`,
		`attributes[5] == "x"`:       `11-12: 5 is a number | the key of a map takes a string | string(5) makes it one`,
		`tags["x"] == "x"`:           `5-8: "x" is a string | an index takes a number`,
		`filter(tags, true)`:         `0-6: filter takes a lambda | expressions have no lambdas | ask for a tag by "…" in tags`,
		`any(tags, true)`:            `0-3: any takes a lambda | expressions have no lambdas | ask for a tag by "…" in tags`,
		`metric > 5 ? 1 : "x"`:       `17-20: 1 is a number, "x" is a string | both branches of ?: are of one kind`,
		`metric ? true : false`:      `0-6: metric is a number | a condition is a comparison, true or false | compare it: metric > 0 or metric != nil`,
		`(state ?? 5) == 5`:          `10-11: state is a string, 5 is a number | both sides of ?? are of one kind`,
		`metric in 1..metric`:        `11-13: a range that is not of two whole constants | a range is written 1..5`,
		`metric in 1..99999`:         `11-13: a range of more than 10000 numbers | write x >= 1 and x <= 99999`,
		`tagged(host)`:               `0-6: tags that depend on the event | the tags asked for are constants | write x in tags`,
		`tagged([1])`:                `0-6: a tag that is no string | tags are strings`,
		`duration("1 hour") < time`:  `0-8: "1 hour" is no duration | durations are written "250ms", "90s", "1h30m" or "2d"`,
		`duration(state) < time`:     `0-8: a duration that depends on the event | duration takes a constant such as "90s"`,
		`host.lower() == "x"`:        `5-10: a value is called | only functions can be called, by their names`,
		`{a: 1} == nil`:              `4-5: 1 in a map that is a value | the values of such a map are strings that do not depend on the event`,
		`lookup("a").metric > 1`:     `0-6: lookup called with 1 argument | it is lookup(host string, service string) event`,
		`event > 5`:                  `0-5: event is an event | > takes numbers or strings`,
		`expired`:                    `0-7: expired is a function | call it: expired(…)`,
		`tags == nil`:                `warning: 5-7: tags is never missing, only empty | ask for its length: len(tags) == 0`,
		`description != "x"`:         `warning: 12-14: description != "x" is also true where description is missing | if that is not meant, write description != nil and description != "x"`,
		`metric > 5 and metric < 3`:  `warning: 22-23: metric > 5 and metric < 3 cannot both hold | the condition is never true`,
	} {
		c, ps := testChecker()
		compileCond(c, parseTest(t, text))
		var got []string
		for _, p := range *ps {
			got = append(got, p.String())
		}
		if s := strings.Join(got, "\n"); s != want {
			t.Errorf("%s\n got %s\nwant %s", text, s, want)
		}
	}
}
