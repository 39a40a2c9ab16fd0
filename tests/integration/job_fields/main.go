// Prints every structure of Nomad's job as package api has it: its fields by their names in JSON, and the kind of each.
// A kind that ends in "?" is a pointer in Go: what it points to may be Go's zero and is said all the same.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"
)

var structures = map[string]map[string]string{}

func main() {
	kind(reflect.TypeOf(api.Job{}))
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(structures); err != nil {
		panic(err)
	}
}

func kind(of reflect.Type) string {
	if of == reflect.TypeOf(time.Duration(0)) {
		return "duration"
	}
	switch of.Kind() {
	case reflect.Pointer:
		if of.Elem().Kind() == reflect.Struct {
			return kind(of.Elem())
		}
		return kind(of.Elem()) + "?"
	case reflect.Slice:
		return "list of " + kind(of.Elem())
	case reflect.Map:
		return "map of " + kind(of.Elem())
	case reflect.Struct:
		structure(of)
		return of.Name()
	case reflect.Interface:
		return "any"
	case reflect.Bool, reflect.String:
		return of.Kind().String()
	default:
		return "integer"
	}
}

func structure(of reflect.Type) {
	if _, known := structures[of.Name()]; known {
		return
	}
	fields := map[string]string{}
	structures[of.Name()] = fields
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case !field.IsExported() || name == "-":
		case name == "":
			fields[field.Name] = kind(field.Type)
		default:
			fields[name] = kind(field.Type)
		}
	}
}
