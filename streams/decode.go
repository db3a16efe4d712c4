package streams

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// decoder fills an options struct from the arguments of a call.
type decoder struct {
	c     *compiler
	r     *registration
	call  ast.Node
	x     context
	opts  reflect.Value
	binds *[]bind // what instances are to be given; nil where expressions are not allowed
	names []string
	later []func(x context) // branches, compiled once the path is known

	outlets []outlet // the branches
	unset   bool     // an argument has the empty text of a variable that is not set
}

// bind completes an instance's copy of the options.
type bind func(env *Env, opts reflect.Value)

// fault reports a problem with an argument.
func (d *decoder) fault(n ast.Node, found, want, hint string) {
	d.c.report(nodeLocation(n), d.r.Name, found, want, hint)
}

// vars are the names that expressions below the call can use.
func (d *decoder) vars() map[string]int {
	if len(d.names) == 0 {
		return d.x.vars
	}
	vars := map[string]int{}
	for k, v := range d.x.vars {
		vars[k] = v
	}
	for _, n := range d.names {
		vars[n] = len(d.x.vars)
	}
	return vars
}

// checker is the scope in which an argument is compiled.
func (d *decoder) checker(f *optionField) *checker {
	c := d.c
	c.poisoned = false
	report := func(at file.Location, operator, found, want, hint string) {
		if c.errors++; !c.poisoned {
			c.say(at, operator, found, want, hint, false)
		}
	}
	k := &checker{
		report: report, warn: c.warn, operator: d.r.Name, in: d.x.in, acc: f.acc, vars: d.x.vars, consts: d.c.letNames,
	}
	if given := d.x.given; given != nil {
		k.reads = func(n ast.Node) { c.need(n, d.r.Name, given, Events, c.placed(d.r.Name, d.call)) }
	}
	return k
}

// arguments decodes positional arguments and options and returns the children.
func (d *decoder) arguments(args []ast.Node) (rest []ast.Node) {
	before := d.c.unset
	defer func() { d.unset = d.c.unset > before }()
	mapped := false // the options map has had its turn
	for i := range d.r.fields {
		f := &d.r.fields[i]
		if f.place != placeArg {
			continue
		}
		switch {
		case f.rest:
			if !mapped {
				args, mapped = d.optionsMap(args), true
			}
			args = d.rest(f, args)
		case len(args) == 0 || f.optional && !d.suits(f, args[0]) || !f.optional && f.typ != typeBranch && d.leavesOut(f, args[0]):
			if !f.optional {
				d.missing(f, args)
				return nil
			}
		default:
			d.value(f, args[0], d.opts.Field(f.index), fieldPath{f.index})
			args = args[1:]
		}
	}
	if !mapped {
		args = d.optionsMap(args)
	}
	return d.takeElse(args)
}

// optionsMap decodes the options map, which stands before the streams.
func (d *decoder) optionsMap(args []ast.Node) []ast.Node {
	if len(args) == 0 {
		return nil
	}
	m, ok := args[0].(*ast.MapNode)
	if !ok {
		return args
	}
	if len(optionNames(d.r.fields)) == 0 {
		d.fault(m, "takes no options map", d.c.usage(d.r), "")
	} else {
		d.options(m, d.r.fields, d.opts, nil)
	}
	return args[1:]
}

// leavesOut reports whether a required argument is missing and what stands there is a stream already.
func (d *decoder) leavesOut(f *optionField, n ast.Node) bool {
	if f.bind {
		return false
	}
	switch f.typ {
	case typeExpr, typeKeys, typeMapper, typeCond, typePattern:
		// A bare unknown name is a tap only where it is not an argument.
		return d.c.isStream(n, d.x) && !d.isCallOfValue(n)
	}
	return d.c.isStream(n, d.x)
}

func (d *decoder) isCallOfValue(n ast.Node) bool {
	name, _, ok := callOf(n)
	if !ok {
		return false
	}
	_, isFunction := findBuiltin(name)
	return isFunction
}

func (d *decoder) missing(f *optionField, args []ast.Node) {
	at := d.call
	found := fmt.Sprintf("the argument %s is missing", f.name)
	if len(args) > 0 {
		at = args[0]
		found = fmt.Sprintf("found the stream %s, want %s (%s)", sourceText(args[0]), f.name, f.typeName())
	}
	d.fault(at, found, d.c.usage(d.r), "")
}

// suits reports whether n can be meant for the optional argument f.
func (d *decoder) suits(f *optionField, n ast.Node) bool {
	if f.isBranch() {
		return d.c.isStream(n, d.x)
	}
	if d.c.isStream(n, d.x) {
		return false
	}
	_, isMap := d.c.fill(n).(*ast.MapNode)
	name := identName(n)
	isField := slices.Contains(eventFields, name) && d.c.lets[name] == nil
	if m, ok := n.(*ast.MemberNode); ok && identName(m.Node) == "attributes" {
		isField = true
	}
	_, isFold := foldByName(name)
	switch f.typ {
	case typePatch, typeStrMap:
		return isMap
	case typeField:
		return isField
	case typeExpr, typeCond, typeKeys, typePattern:
		return !isMap
	case typeMapper:
		return true
	case typeFold:
		return isFold
	case typeDatum:
		return !isMap && !isFold && !isField
	case typePoints:
		_, isList := n.(*ast.ArrayNode)
		return isMap || isList
	case typeConds, typeFloats:
		_, isList := n.(*ast.ArrayNode)
		return isList
	case typeStrings:
		switch d.c.fill(n).(type) {
		case *ast.ArrayNode, *ast.StringNode:
			return true
		}
		return false
	case typeDuration:
		return !isMap && !isField
	}
	if f.typ.Kind() == reflect.String {
		_, isString := d.c.fill(n).(*ast.StringNode)
		return isString
	}
	if f.typ.Kind() == reflect.Bool {
		_, isBool := d.c.fill(n).(*ast.BoolNode)
		return isBool
	}
	switch d.c.fill(n).(type) {
	case *ast.StringNode, *ast.BoolNode, *ast.ArrayNode, *ast.MapNode, *ast.NilNode:
		return false
	}
	return !isField
}

// rest gives f all arguments that are left, or for cases, the pairs.
func (d *decoder) rest(f *optionField, args []ast.Node) []ast.Node {
	field := d.opts.Field(f.index)
	switch f.typ {
	case typeBranch:
		kept := d.takeElse(args)
		d.branch(f, kept, func(env *Env, opts reflect.Value, b Branch) { opts.Field(f.index).Set(reflect.ValueOf(b)) })
		return nil
	case typeBranches:
		for i, n := range args {
			d.branch(f, []ast.Node{n}, func(env *Env, opts reflect.Value, b Branch) {
				opts.Field(f.index).Index(i).Set(reflect.ValueOf(b))
			})
		}
		size := len(args)
		*d.binds = append([]bind{func(env *Env, opts reflect.Value) { opts.Field(f.index).Set(reflect.ValueOf(make([]Branch, size))) }}, *d.binds...)
		return nil
	case typeCases:
		return d.cases(f, args)
	}
	elem := *f
	elem.typ = f.typ.Elem()
	list := reflect.MakeSlice(f.typ, len(args), len(args))
	for i, n := range args {
		d.value(&elem, n, list.Index(i), fieldPath{f.index, i})
	}
	field.Set(list)
	return nil
}

// cases decodes pairs of a condition, or of a value, and a stream.
func (d *decoder) cases(f *optionField, args []ast.Node) []ast.Node {
	var cases []Case
	for len(args) >= 2 && !(d.c.isStream(args[0], d.x) && !d.isCallOfValue(args[0])) {
		i := len(cases)
		one := Case{}
		if f.at {
			one.At = d.expr(f, args[0])
		} else {
			one.Cond = d.cond(f, args[0])
		}
		cases = append(cases, one)
		*d.binds = append(*d.binds, func(env *Env, opts reflect.Value) {
			c := &opts.Field(f.index).Interface().([]Case)[i]
			c.Cond.in, c.At.in = env.scope.in, env.scope.in
		})
		d.branch(f, args[1:2], func(env *Env, opts reflect.Value, b Branch) {
			opts.Field(f.index).Interface().([]Case)[i].Then = b
		})
		d.outlets[len(d.outlets)-1].label = one.Cond.Text + one.At.Text
		args = args[2:]
	}
	if len(cases) == 0 {
		d.missing(f, args)
		return nil
	}
	d.opts.Field(f.index).Set(reflect.ValueOf(cases))
	// Each instance needs cases of its own; this comes before the binds that fill them.
	*d.binds = append([]bind{func(env *Env, opts reflect.Value) {
		opts.Field(f.index).Set(reflect.ValueOf(slices.Clone(opts.Field(f.index).Interface().([]Case))))
	}}, *d.binds...)
	return args
}

// branch has the streams in nodes compiled once the path of the operator is known.
func (d *decoder) branch(f *optionField, nodes []ast.Node, set func(env *Env, opts reflect.Value, b Branch)) {
	p := new(part)
	label := f.name
	if f.rest {
		label = ""
	}
	d.outlets = append(d.outlets, outlet{label, p})
	d.later = append(d.later, func(x context) {
		if f.takes != Either {
			x.in, x.giver, x.given = f.takes, d.r.Name, nil
		}
		if f.fork {
			x.path = x.path.fork()
		}
		*p = d.c.children(nodes, x)
	})
	*d.binds = append(*d.binds, func(env *Env, opts reflect.Value) {
		if *p != nil {
			set(env, opts, Branch{(*p).build})
		}
	})
}

// branches compiles what branch has put off.
func (d *decoder) branches(x context) {
	for _, f := range d.later {
		f(x)
	}
}

// takeElse takes the else(…) parts out of the children.
func (d *decoder) takeElse(args []ast.Node) []ast.Node {
	i := slices.IndexFunc(d.r.fields, func(f optionField) bool { return f.place == placeElse })
	if i < 0 {
		return args
	}
	f := &d.r.fields[i]
	var kept, other []ast.Node
	for _, n := range args {
		if name, inner, ok := callOf(n); ok && name == "else" {
			if len(inner) == 0 {
				d.c.report(n.Location(), d.r.Name, "else() is empty", "", "give it a stream, or leave it out")
			}
			other = append(other, inner...)
			continue
		}
		kept = append(kept, n)
	}
	if len(other) > 0 {
		d.branch(f, other, func(env *Env, opts reflect.Value, b Branch) { opts.Field(f.index).Set(reflect.ValueOf(b)) })
	}
	return kept
}

// options decodes an options map into the fields of dst, which is at path within the options.
func (d *decoder) options(m *ast.MapNode, fields []optionField, dst reflect.Value, path fieldPath) {
	seen := map[string]bool{}
	for _, p := range m.Pairs {
		pair := p.(*ast.PairNode)
		key, ok := pair.Key.(*ast.StringNode)
		if !ok {
			d.fault(nodeOr(pair.Key, m), "an option's name is computed", "names of options are written out", "")
			continue
		}
		i := slices.IndexFunc(fields, func(f optionField) bool { return f.place == placeOption && f.name == key.Value })
		if i < 0 {
			names := optionNames(fields)
			d.fault(key, fmt.Sprintf("unknown option %q", key.Value), d.r.Name+" takes "+strings.Join(names, ", "), didYouMean(key.Value, names))
			continue
		}
		if seen[key.Value] {
			d.fault(key, fmt.Sprintf("the option %q is given twice", key.Value), "", "")
			continue
		}
		seen[key.Value] = true
		f := &fields[i]
		d.value(f, pair.Value, f.in(dst), append(slices.Clone(path), f.path()...))
	}
}

func nodeOr(n, other ast.Node) ast.Node {
	if n == nil {
		return other
	}
	return n
}

// fieldPath leads from an options struct to one value in it: fields, and elements of slices.
type fieldPath []int

func (p fieldPath) in(opts reflect.Value) reflect.Value {
	for _, i := range p {
		if opts.Kind() == reflect.Slice {
			opts = opts.Index(i)
		} else {
			opts = opts.Field(i)
		}
	}
	return opts
}

// value decodes n into dst.
func (d *decoder) value(f *optionField, n ast.Node, dst reflect.Value, path fieldPath) {
	if f.secret {
		d.c.src.hide(n)
	}
	if f.bind {
		d.bindName(f, n, dst)
		return
	}
	if f.nested != nil {
		d.nested(f, n, dst, path)
		return
	}
	if d.compiled(f, n, dst, path) {
		return
	}
	d.c.poisoned = false
	if n = d.c.fill(n); d.c.poisoned {
		return
	}
	switch f.typ {
	case typeStrings:
		var list []string
		if _, isList := n.(*ast.ArrayNode); !isList {
			s, ok := d.text(f, n)
			if !ok {
				return
			}
			list = []string{s}
		} else {
			list = []string{}
			for _, e := range n.(*ast.ArrayNode).Nodes {
				s, ok := d.text(f, e)
				if !ok {
					return
				}
				list = append(list, s)
			}
		}
		dst.Set(reflect.ValueOf(list))
	case typeFloats:
		a, ok := n.(*ast.ArrayNode)
		if !ok {
			d.wrong(f, n)
			return
		}
		list := []float64{}
		for _, e := range a.Nodes {
			if v, ok := d.number(f, e); ok {
				list = append(list, v)
			}
		}
		dst.Set(reflect.ValueOf(list))
	case typeStrMap:
		m, ok := n.(*ast.MapNode)
		if !ok {
			d.wrong(f, n)
			return
		}
		out := map[string]string{}
		for _, p := range m.Pairs {
			pair := p.(*ast.PairNode)
			key, isText := d.text(f, pair.Key)
			value, isValue := d.text(f, pair.Value)
			if isText && isValue {
				out[key] = value
			}
		}
		dst.Set(reflect.ValueOf(out))
	case typeTable:
		if t, ok := d.table(f, n); ok {
			dst.Set(reflect.ValueOf(t))
		}
	case typeDatum:
		if v, ok := compileConst(d.checker(f), n); ok {
			dst.Set(reflect.ValueOf(v))
		}
	case typeDuration:
		if v, ok := d.duration(f, n); ok {
			dst.SetInt(int64(v))
		}
	default:
		d.basic(f, n, dst)
	}
}

// basic decodes numbers, strings and bools.
func (d *decoder) basic(f *optionField, n ast.Node, dst reflect.Value) {
	switch f.typ.Kind() {
	case reflect.String:
		s, ok := d.text(f, n)
		if !ok {
			return
		}
		if len(f.enum) > 0 && !slices.Contains(f.enum, s) {
			d.fault(n, fmt.Sprintf("%s is %q", f.name, s), "want "+f.typeName(), didYouMean(s, f.enum))
			return
		}
		dst.SetString(s)
	case reflect.Bool:
		v, ok := compileConst(d.checker(f), n)
		if !ok {
			return
		}
		if v.Kind != Bool {
			d.wrong(f, n)
			return
		}
		dst.SetBool(v.Bool)
	case reflect.Int, reflect.Int64:
		v, ok := d.number(f, n)
		if !ok {
			return
		}
		if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			d.wrong(f, n)
			return
		}
		dst.SetInt(int64(v))
	case reflect.Float64:
		if v, ok := d.number(f, n); ok {
			dst.SetFloat(v)
		}
	}
}

// wrong reports a value of the wrong kind.
func (d *decoder) wrong(f *optionField, n ast.Node) {
	text := sourceText(n)
	if f.secret {
		text = "[secret]"
	}
	d.fault(n, fmt.Sprintf("%s is %s", f.name, clip(text)), "want "+f.typeName(), "")
}

// clip shortens a text for a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "…"
	}
	return s
}

func (d *decoder) text(f *optionField, n ast.Node) (string, bool) {
	v, ok := compileConst(d.checker(f), n)
	if !ok {
		return "", false
	}
	if v.Kind != String {
		d.wrong(f, n)
		return "", false
	}
	return v.Str, true
}

func (d *decoder) number(f *optionField, n ast.Node) (float64, bool) {
	v, ok := compileConst(d.checker(f), n)
	if !ok {
		return 0, false
	}
	x, ok := v.Number()
	if !ok || math.IsNaN(x) {
		d.wrong(f, n)
		return 0, false
	}
	return x, d.within(f, n, x)
}

// within checks the bounds of a number or of seconds.
func (d *decoder) within(f *optionField, n ast.Node, x float64) bool {
	switch {
	case f.hasMin && x < f.min:
		d.fault(n, fmt.Sprintf("%s is %s", f.name, sourceText(n)), "want at least "+f.minText, "")
	case f.hasMax && x > f.max:
		d.fault(n, fmt.Sprintf("%s is %s", f.name, sourceText(n)), "want at most "+f.maxText, "")
	default:
		return true
	}
	return false
}

// maxDuration is the longest duration that rules take: about 292 years fit an int64 of nanoseconds.
const maxDuration = 200 * 365 * 24 * time.Hour

func (d *decoder) duration(f *optionField, n ast.Node) (time.Duration, bool) {
	v, ok := compileConst(d.checker(f), n)
	if !ok {
		return 0, false
	}
	var dur time.Duration
	switch x, isNumber := v.Number(); {
	case isNumber && math.Abs(x) <= maxDuration.Seconds():
		dur = time.Duration(math.Round(x * 1e9))
	case v.Kind == String:
		if dur, ok = ParseDuration(v.Str); !ok {
			d.fault(n, fmt.Sprintf("%s is %q, which is no duration", f.name, clip(v.Str)), `want seconds, or a text such as "90s", "1h30m" or "2d"`, "units are ms, s, m, h, d, w")
			return 0, false
		}
	default:
		d.wrong(f, n)
		return 0, false
	}
	if dur < 0 && !f.hasMin {
		d.fault(n, fmt.Sprintf("%s is %s", f.name, sourceText(n)), "a duration is not negative", "")
		return 0, false
	}
	return dur, d.within(f, n, dur.Seconds())
}

// ParseDuration reads a duration as rules write it: Go's notation with d (24 h) and w (7 d), units
// descending; ok is false for anything else, and beyond 200 years.
func ParseDuration(text string) (dur time.Duration, ok bool) {
	rest := text
	for _, unit := range [...]struct {
		name string
		size time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		before, after, found := strings.Cut(rest, unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseFloat(before, 64)
		if err != nil || !(n >= 0 && n <= float64(maxDuration/unit.size)) {
			return 0, false
		}
		dur += time.Duration(n * float64(unit.size))
		rest = after
	}
	if rest == "" && text != "" {
		return dur, dur <= maxDuration
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 && rest != text || dur+d > maxDuration || dur+d < -maxDuration {
		return 0, false
	}
	return dur + d, true
}

// nested decodes a map into a struct or a pointer to one.
func (d *decoder) nested(f *optionField, n ast.Node, dst reflect.Value, path fieldPath) {
	m, ok := d.c.fill(n).(*ast.MapNode)
	if !ok {
		d.wrong(f, n)
		return
	}
	if dst.Kind() == reflect.Pointer {
		if dst.IsNil() {
			dst.Set(reflect.New(dst.Type().Elem()))
		} else {
			fresh := reflect.New(dst.Type().Elem())
			fresh.Elem().Set(dst.Elem())
			dst.Set(fresh)
		}
		dst = dst.Elem()
	}
	d.options(m, f.nested, dst, path)
}

// bindName takes a name that expressions below can use.
func (d *decoder) bindName(f *optionField, n ast.Node, dst reflect.Value) {
	name := identName(n)
	if name == "" || !d.c.isNewName(name) || d.x.vars[name] != 0 {
		d.fault(n, fmt.Sprintf("%s is no new name", sourceText(n)), "a name that means nothing yet is expected here", "")
		return
	}
	d.names = append(d.names, name)
	dst.SetString(name)
}

// isNewName reports whether a let, a template or a parameter may be called so.
func (c *compiler) isNewName(name string) bool {
	_, isFold := foldByName(name)
	_, isFunction := findBuiltin(name)
	return isName(name) && registry[name] == nil && !isFold && !isFunction &&
		!slices.Contains(eventFields, name) && !slices.Contains(statementNames, name) && name != "true" && name != "false" && name != "nil"
}

// check runs what the registration checks beyond the tags. Where the value of a variable is not known, as in
// a check on another machine, there is nothing it could say.
func (d *decoder) check() {
	if d.r.check == nil || d.unset {
		return
	}
	if err := d.r.check(d.opts); err != nil {
		d.fault(d.call, err.Error(), d.c.usage(d.r), "")
	}
}
