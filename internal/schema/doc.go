// Package schema writes the policy format down as JSON schemas: one for editors,
// [Editor], and one for custom resources that hold a policy, [CustomResource]. Both
// are read off policy.Format, and their descriptions off the comments of the types.
// "go generate ." writes them; package internal/schema/held, a module of its own,
// holds them to the parser and to the code of the API server.
package schema
