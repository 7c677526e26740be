package evidence

import "errors"

// Errors of a follower and of a verification.
var (
	// ErrDiffers says that the log is not what was signed.
	ErrDiffers = errors.New("the log is not what was signed")
	// ErrBeyond says that a checkpoint covers more than there is: something was lost, or
	// the log was put back to an older state.
	ErrBeyond = errors.New("a checkpoint is beyond the end of the log")
	// ErrHashes says that hashes which are kept are missing or not those that were signed.
	ErrHashes = errors.New("the kept hashes are damaged")
	// ErrRange says that positions were asked for of which nothing is signed.
	ErrRange = errors.New("no checkpoint covers that")
)
