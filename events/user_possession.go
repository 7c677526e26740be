package events

// UserSSHKeyGenerated gives a user a new SSH key pair; the old one is gone.
type UserSSHKeyGenerated struct {
	Sealed[UserSSHKeyPrivate]
}

// UserSSHKeyPrivate is the sealed part of UserSSHKeyGenerated.
type UserSSHKeyPrivate struct {
	PublicKey  string `json:"publicKey"`                // one line of authorized_keys, with its newline
	PrivateKey string `json:"privateKey" secret:"true"` // OpenSSH's PEM form
}

// EventType implements Payload.
func (*UserSSHKeyGenerated) EventType() Type { return "roster.user.ssh-key-generated.v1" }

// UserParameterRecorded is a value that a user chose for a parameter of a
// template; the latest of each name is offered again.
type UserParameterRecorded struct {
	Sealed[UserParameterPrivate]
	TemplateID string `json:"templateId"` // id of the template
	Name       string `json:"name"`       // name of the parameter
}

// UserParameterPrivate is the sealed part of UserParameterRecorded.
type UserParameterPrivate struct {
	Value string `json:"value"` // what the user chose
}

// EventType implements Payload.
func (*UserParameterRecorded) EventType() Type { return "roster.user.parameter-recorded.v1" }

func registerPossessions(c *Catalogue) {
	Register[UserSSHKeyGenerated](c, Roster, "A user got an SSH key pair.")
	Register[UserParameterRecorded](c, Roster, "A user chose the value of a template's parameter.")
}
