// Package query is Riemann's query language: host = "web1" and (state != "ok" or metric > 0.9).
//
// Vocabulary: a query is a predicate over one event; a name reads a field of the event (host, service,
// state, description, metric, tags, time, ttl) or else the attribute of that name; a literal is a string,
// a number, true, false or nil. A missing field is nil.
//
//	q, err := query.Parse(`service =~ "df-%" and state = "critical"`)
//	if q.Match(&e) { … }
//	q.String() // canonical text: equal queries print alike
//
// Grammar, tightest first: not, and, or; parentheses group.
//
//	name                          the field is there (and not false)
//	value = value  value != value integers never equal floats; nil = nil
//	value < number  > <= >=       false unless both are numbers
//	value =~ "df-%"               % is any run of characters within a line; the whole string must fit
//	value ~= "web\\d+"            a regular expression (RE2), found anywhere
//	tagged "x"                    x is one of the tags
//
// Blanks and commas separate. Operators are legal in names, as in Riemann: metric=2 is one name, so put
// blanks around = != < > <= >= and before =~.
//
// Differs from Riemann: a string may end in an escaped backslash wherever it stands (Riemann's lexer
// then loses the next string); the regular expressions are RE2's, so no look-around, no back-references,
// and $ is the very end of the text; only the first 4 KiB of a text are searched.
//
// Guarantees:
//   - A Query is immutable and may be used concurrently. Match neither allocates nor fails, whatever
//     fields the event lacks.
//   - Text from the network is safe to parse: at most MaxLength bytes, MaxDepth levels, regular
//     expressions of MaxPattern bytes and a bounded program.
//   - Parse(q.String()) is q, unless the canonical text is longer than MaxLength.
package query
