package commands

// KeyedHash returns a keyed hash of a value that is the same in every process
// of the installation and can be made by nobody else: for tokens that a client
// carries and must not be able to make.
func (s *Service) KeyedHash(purpose, value string) string { return s.log.KeyedHash(purpose, value) }
