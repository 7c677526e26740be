package config

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Input is where settings come from.
type Input struct {
	Args   []string                    // without the program's name
	Lookup func(string) (string, bool) // of the environment
	Root   bool                        // whether the process runs as root
	Out    io.Writer                   // for --help
	Name   string                      // of the program

	vars map[string]string
}

// variable is the environment's name of a flag.
func variable(flag string) string {
	name := strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
	if name == "DATABASE_URL" {
		return name
	}
	return "ROSTER_" + name
}

// parse fills flags and returns what checks and remembers their values.
func parse(in Input, flags any, about string) (*checker, error) {
	helped := false
	p := &checker{}
	parser, err := kong.New(flags,
		kong.Name(in.Name), kong.Description(about), kong.Writers(in.Out, in.Out), kong.Vars(in.vars),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{NoExpandSubcommands: true, WrapUpperBound: 110}),
		kong.ValueFormatter(func(v *kong.Value) string {
			if v.Name == "help" {
				return v.Help
			}
			return fmt.Sprintf("%s ($%s)", v.Help, variable(v.Name))
		}),
		kong.Resolvers(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, f *kong.Flag) (any, error) {
			if v, ok := in.Lookup(variable(f.Name)); ok && v != "" {
				return v, nil
			}
			return nil, nil //nolint:nilnil // kong's way to say: not here
		})),
	)
	if err != nil {
		return nil, fmt.Errorf("describe the settings: %w", err)
	}
	ctx, err := parser.Parse(in.Args)
	if helped {
		return nil, ErrHelp
	}
	if err != nil {
		return nil, &Error{Problems: []string{err.Error() + " (see --help)"}}
	}
	for _, f := range ctx.Model.AllFlags(false) {
		for _, flag := range f {
			if flag.Name == "help" {
				continue
			}
			name := variable(flag.Name)
			p.shown = append(p.shown, Shown{Name: name, Value: show(name, flag.Target.String())})
		}
	}
	slices.SortFunc(p.shown, func(a, b Shown) int { return strings.Compare(a.Name, b.Name) })
	return p, nil
}

// show hides what is secret in a value.
func show(name, value string) string {
	switch {
	case value == "":
		return ""
	case isSecret(name) && !strings.HasPrefix(value, "file:"):
		return "(set)"
	case name == "ROSTER_NATS_URL", name == "DATABASE_URL":
		return redact(value)
	default:
		return value
	}
}

func isSecret(name string) bool {
	return strings.HasPrefix(name, "ROSTER_MASTER_KEY") || name == "ROSTER_CHECKPOINT_KEY" || strings.HasSuffix(name, "_SECRET") || strings.HasSuffix(name, "_PASSWORD")
}

// Unknown lists variables that look like settings but are none: most likely
// misspelt ones.
func Unknown(environ []string) []string {
	known := []string{"ROSTER_SERVER", "ROSTER_TOKEN", "ROSTER_SAMPLE_DATA"} // of the command line and of tests
	for _, flags := range []any{&apiFlags{}, &projectorFlags{}} {
		parser, err := kong.New(flags, kong.Vars{"data_dir": "", "dialects": ""})
		if err != nil {
			return nil
		}
		for _, group := range parser.Model.AllFlags(false) {
			for _, f := range group {
				known = append(known, variable(f.Name))
			}
		}
	}
	var unknown []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "ROSTER_") && !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// IsMistake says whether an error is one of settings, for the exit code.
func IsMistake(err error) bool {
	var mistake *Error
	return errors.As(err, &mistake)
}
