package schema

import (
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"regexp"
	"strings"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/policy"
)

// Comments are the comments of the fields of a package, "Policy.Name": what each is for.
type Comments map[string]string

// ReadComments reads them from the package's folder.
func ReadComments(dir fs.FS) (Comments, error) {
	files, err := fs.Glob(dir, "*.go")
	if err != nil {
		return nil, err
	}
	comments := Comments{}
	for _, name := range files {
		source, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		comments.add(file)
	}
	return comments, nil
}

func (c Comments) add(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		typ, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if block, ok := typ.Type.(*ast.StructType); ok {
			for _, field := range block.Fields.List {
				for _, name := range field.Names {
					c[typ.Name.Name+"."+name.Name] = field.Doc.Text()
				}
			}
		}
		return false
	})
}

// describe is what the comment of a key says, for those who write YAML: on one line,
// with the keys by their names, and without markers for generators.
func (c Comments) describe(block *policy.Form, key *policy.FormKey) string {
	switch block.Type { // which are not ours, and have their own
	case "LabelSelector":
		return metav1.LabelSelector{}.SwaggerDoc()[key.Name]
	case "LabelSelectorRequirement":
		return metav1.LabelSelectorRequirement{}.SwaggerDoc()[key.Name]
	}
	var lines []string
	for line := range strings.Lines(c[key.Owner+"."+key.Field]) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "+") && line != "" {
			lines = append(lines, line)
		}
	}
	plain := new(comment.Printer).Text(new(comment.Parser).Parse(strings.Join(lines, " ")))
	return goName.ReplaceAllStringFunc(strings.Join(strings.Fields(string(plain)), " "), func(word string) string { return keyName(block, word) })
}

var goName = regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`)

// keyName is the name of the key that a Go field is: of a block, or of any if it is
// one that no other word looks like.
func keyName(block *policy.Form, field string) string {
	for i := range block.Keys {
		if block.Keys[i].Field == field {
			return block.Keys[i].Name
		}
	}
	if strings.IndexFunc(field[1:], unicode.IsUpper) < 0 {
		return field
	}
	if name := search(policy.Format(), field); name != "" {
		return name
	}
	return field
}

// search finds the key that a Go field is, at any depth.
func search(f *policy.Form, field string) string {
	for f != nil && f.Kind == policy.KindList {
		f = f.Entry
	}
	for i := range f.Keys {
		if f.Keys[i].Field == field {
			return f.Keys[i].Name
		}
		if name := search(f.Keys[i].Form, field); name != "" {
			return name
		}
	}
	return ""
}
