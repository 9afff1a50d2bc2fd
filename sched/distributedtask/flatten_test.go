package distributedtask_test

import (
	"go/types"
)

// flatten returns a package that declares itself what face only names: each alias
// becomes a defined type with the members of its target, and whatever mentions
// the target mentions that type instead. apidiff needs this, since for it a type
// of another package is another type, whatever it looks like.
func flatten(face *types.Package) *types.Package {
	f := &flattener{
		pkg:     types.NewPackage(face.Path(), face.Name()),
		defined: map[*types.TypeName]*types.Named{},
		done:    map[types.Type]types.Type{},
	}
	names := face.Scope().Names()
	for _, name := range names { // all types first, since they mention each other
		if alias, ok := face.Scope().Lookup(name).(*types.TypeName); ok {
			if target, ok := types.Unalias(alias.Type()).(*types.Named); ok {
				f.defined[target.Obj()] = types.NewNamed(types.NewTypeName(alias.Pos(), f.pkg, name, nil), nil, nil)
			}
		}
	}
	for _, name := range names {
		f.pkg.Scope().Insert(f.object(face.Scope().Lookup(name)))
	}
	f.pkg.MarkComplete()
	return f.pkg
}

type flattener struct {
	pkg     *types.Package
	defined map[*types.TypeName]*types.Named // the defined type that replaces a target
	done    map[types.Type]types.Type        // of unnamed types that may contain themselves
}

func (f *flattener) object(o types.Object) types.Object {
	switch o := o.(type) {
	case *types.Const:
		return types.NewConst(o.Pos(), f.pkg, o.Name(), f.typ(o.Type()), o.Val())
	case *types.Var:
		return types.NewVar(o.Pos(), f.pkg, o.Name(), f.typ(o.Type()))
	case *types.Func:
		return types.NewFunc(o.Pos(), f.pkg, o.Name(), f.signature(o.Signature(), nil))
	case *types.TypeName:
		target, ok := types.Unalias(o.Type()).(*types.Named)
		if !ok {
			return types.NewTypeName(o.Pos(), f.pkg, o.Name(), f.typ(o.Type()))
		}
		return f.define(target).Obj()
	default:
		panic("unexpected object " + o.String())
	}
}

// define gives the type that replaces target its members.
func (f *flattener) define(target *types.Named) *types.Named {
	named := f.defined[target.Obj()]
	named.SetUnderlying(f.typ(target.Underlying()))
	for method := range target.Methods() {
		receiver := types.Type(named)
		if _, pointer := method.Signature().Recv().Type().(*types.Pointer); pointer {
			receiver = types.NewPointer(named)
		}
		named.AddMethod(types.NewFunc(method.Pos(), f.pkg, method.Name(), f.signature(method.Signature(), receiver)))
	}
	return named
}

func (f *flattener) typ(t types.Type) types.Type {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		if named, ok := f.defined[t.Obj()]; ok {
			return named
		}
		return t
	case *types.Pointer:
		return types.NewPointer(f.typ(t.Elem()))
	case *types.Slice:
		return types.NewSlice(f.typ(t.Elem()))
	case *types.Array:
		return types.NewArray(f.typ(t.Elem()), t.Len())
	case *types.Map:
		return types.NewMap(f.typ(t.Key()), f.typ(t.Elem()))
	case *types.Chan:
		return types.NewChan(t.Dir(), f.typ(t.Elem()))
	case *types.Signature:
		return f.signature(t, nil)
	case *types.Struct:
		var fields []*types.Var
		var tags []string
		for i := range t.NumFields() {
			field := t.Field(i)
			fields = append(fields, types.NewField(field.Pos(), f.pkg, field.Name(), f.typ(field.Type()), field.Embedded()))
			tags = append(tags, t.Tag(i))
		}
		return types.NewStruct(fields, tags)
	case *types.Interface:
		if known, ok := f.done[t]; ok {
			return known
		}
		var methods []*types.Func
		for method := range t.ExplicitMethods() {
			methods = append(methods, types.NewFunc(method.Pos(), f.pkg, method.Name(), f.signature(method.Signature(), nil)))
		}
		var embedded []types.Type
		for e := range t.EmbeddedTypes() {
			if named, ok := types.Unalias(e).(*types.Named); ok && f.defined[named.Obj()] == nil {
				e = named.Underlying() // how the methods got here is not known
			}
			embedded = append(embedded, f.typ(e))
		}
		flat := types.NewInterfaceType(methods, embedded)
		f.done[t] = flat
		return flat
	default:
		return t
	}
}

func (f *flattener) signature(s *types.Signature, receiver types.Type) *types.Signature {
	var recv *types.Var
	if receiver != nil {
		recv = types.NewParam(s.Recv().Pos(), f.pkg, s.Recv().Name(), receiver)
	}
	return types.NewSignatureType(recv, nil, nil, f.tuple(s.Params()), f.tuple(s.Results()), s.Variadic())
}

func (f *flattener) tuple(t *types.Tuple) *types.Tuple {
	var vars []*types.Var
	for v := range t.Variables() {
		vars = append(vars, types.NewParam(v.Pos(), f.pkg, v.Name(), f.typ(v.Type())))
	}
	return types.NewTuple(vars...)
}
