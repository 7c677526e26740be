package events

// Released returns the catalogue of every event type that Roster ever wrote.
func Released() *Catalogue {
	c := NewCatalogue()
	registerUser(c)
	registerOrganization(c)
	registerWorkspace(c)
	registerGroup(c)
	registerSkill(c)
	registerActivity(c)
	return c
}
