package main

import (
	"fmt"
	"os"
)

type completionCommand struct {
	Shell string `arg:"" help:"bash, zsh or fish." enum:"bash,zsh,fish" placeholder:"SHELL"`
}

// Help is shown by --help.
func (completionCommand) Help() string {
	return `A line in the shell's file of settings makes it complete commands, flags and their values.

Examples:

  source <(roster completion bash)       # in ~/.bashrc
  source <(roster completion zsh)        # in ~/.zshrc
  roster completion fish | source        # in ~/.config/fish/config.fish
`
}

const (
	bashCompletion = "complete -o default -o bashdefault -C %s roster\n"
	zshCompletion  = "autoload -U +X bashcompinit && bashcompinit\ncomplete -o default -o bashdefault -C %s roster\n"
	fishCompletion = `function __complete_roster
    set -lx COMP_LINE (commandline -cp)
    test -z (commandline -ct)
    and set COMP_LINE "$COMP_LINE "
    %s
end
complete -f -c roster -a "(__complete_roster)"
`
)

// Run prints what the shell is to run.
func (c *completionCommand) Run(o outputs) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	text := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
	_, err = fmt.Fprintf(o.out, text, shellWord(program))
	return err
}
