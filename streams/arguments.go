package streams

import (
	"reflect"

	"github.com/expr-lang/expr/ast"
)

// compiled decodes the arguments that are compiled: expressions, conditions, patches, folds. It reports
// whether f is one of those.
func (d *decoder) compiled(f *optionField, n ast.Node, dst reflect.Value, path fieldPath) bool {
	switch f.typ {
	case typeExpr:
		dst.Set(reflect.ValueOf(d.expr(f, n)))
		d.bindAt(path, func(env *Env, v reflect.Value) {
			x := v.Interface().(Expr)
			x.in = env.scope.in
			v.Set(reflect.ValueOf(x))
		})
	case typeCond:
		dst.Set(reflect.ValueOf(d.cond(f, n)))
		d.bindAt(path, func(env *Env, v reflect.Value) {
			x := v.Interface().(Cond)
			x.in = env.scope.in
			v.Set(reflect.ValueOf(x))
		})
	case typeConds:
		list, ok := n.(*ast.ArrayNode)
		if !ok {
			d.wrong(f, n)
			return true
		}
		conds := make([]Cond, len(list.Nodes))
		for i, e := range list.Nodes {
			conds[i] = d.cond(f, e)
		}
		dst.Set(reflect.ValueOf(conds))
		d.bindAt(path, func(env *Env, v reflect.Value) {
			own := make([]Cond, len(conds))
			for i, c := range conds {
				c.in = env.scope.in
				own[i] = c
			}
			v.Set(reflect.ValueOf(own))
		})
	case typeKeys:
		keys, _ := compileKeys(d.checker(f), d.c.fill(n))
		dst.Set(reflect.ValueOf(keys))
		d.bindAt(path, func(env *Env, v reflect.Value) {
			own := make(Keys, len(keys))
			for i, k := range keys {
				k.in = env.scope.in
				own[i] = k
			}
			v.Set(reflect.ValueOf(own))
		})
	case typePatch:
		p, _ := compilePatch(d.checker(f), d.c.fill(n))
		p.Text = sourceText(n)
		dst.Set(reflect.ValueOf(p))
		d.bindAt(path, func(env *Env, v reflect.Value) {
			x := v.Interface().(Patch)
			x.in = env.scope.in
			v.Set(reflect.ValueOf(x))
		})
	case typeMapper:
		m, _ := compileMapper(d.checker(f), d.c.fill(n))
		m.Text = sourceText(n)
		dst.Set(reflect.ValueOf(m))
		d.bindAt(path, func(env *Env, v reflect.Value) {
			x := v.Interface().(Mapper)
			x.in = env.scope.in
			v.Set(reflect.ValueOf(x))
		})
	case typeFold:
		spec, points, ok := d.fold(f, d.c.fill(n))
		if !ok {
			return true
		}
		dst.Set(reflect.ValueOf(spec.Bind(d.c.scratch.rt.Clock, points)))
		d.bindAt(path, func(env *Env, v reflect.Value) {
			v.Set(reflect.ValueOf(spec.Bind(env.rt.Clock, points)))
		})
	case typePattern:
		p, _ := compilePattern(d.checker(f), d.c.fill(n))
		p.Text = sourceText(n)
		dst.Set(reflect.ValueOf(p))
	case typeField:
		if name, ok := compileFieldName(d.checker(f), d.c.fill(n)); ok {
			dst.Set(reflect.ValueOf(name))
		}
	case typePoints:
		if points, ok := compilePoints(d.checker(f), d.c.fill(n)); ok {
			dst.Set(reflect.ValueOf(points))
		}
	case typeBranch:
		d.branch(f, []ast.Node{n}, func(env *Env, opts reflect.Value, b Branch) { path.in(opts).Set(reflect.ValueOf(b)) })
	default:
		return false
	}
	return true
}

// bindAt completes the value at path in each instance's options.
func (d *decoder) bindAt(path fieldPath, f func(env *Env, v reflect.Value)) {
	if d.binds == nil {
		return
	}
	*d.binds = append(*d.binds, func(env *Env, opts reflect.Value) { f(env, path.in(opts)) })
}

func (d *decoder) expr(f *optionField, n ast.Node) Expr {
	return d.checker(f).compile(d.c.fill(n)).expr(sourceText(n))
}

func (d *decoder) cond(f *optionField, n ast.Node) Cond {
	test, _ := compileCond(d.checker(f), d.c.fill(n))
	return Cond{Text: sourceText(n), test: d.covered(test, n)}
}

// fold decodes the name of a fold, called with points if it takes some.
func (d *decoder) fold(f *optionField, n ast.Node) (*FoldSpec, Points, bool) {
	name, args, called := callOf(n)
	if !called {
		name = identName(n)
	}
	spec, ok := foldByName(name)
	if !ok {
		var known []string
		for _, fold := range Folds() {
			known = append(known, fold.Name)
		}
		d.fault(n, sourceText(n)+" is no fold", "want "+f.typeName(), didYouMean(name, known))
		return nil, nil, false
	}
	if spec.Points != called || called && len(args) != 1 {
		want := name
		if spec.Points {
			want = name + "([0.5, 0.99])"
		}
		d.fault(n, sourceText(n)+" is no fold", "write "+want, "")
		return nil, nil, false
	}
	if !called {
		return spec, nil, true
	}
	points, ok := compilePoints(d.checker(f), args[0])
	return spec, points, ok
}
