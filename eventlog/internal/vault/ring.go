package vault

import (
	"fmt"
	"sync"
)

// Ring holds the master keys that a process has. While a master key is changed
// there are two of them, and both open what they wrapped. It is safe for
// concurrent use.
type Ring struct {
	more func() ([][]byte, error)

	mu     sync.RWMutex
	vaults []*Vault // the newest first
}

// NewRing makes a ring of one master key. more returns further ones; it may be nil,
// and is asked again whenever a box opens under none that is known: the key may have
// come since.
func NewRing(master []byte, more func() ([][]byte, error)) (*Ring, error) {
	r := &Ring{more: more}
	if _, err := r.Add(master); err != nil {
		return nil, err
	}
	return r, nil
}

// Add takes a master key in, if the ring does not have it, and returns its vault:
// the same one for the same key.
func (r *Ring) Add(master []byte) (*Vault, error) {
	v, err := New(master)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, known := range r.vaults {
		if known.id == v.id {
			return known, nil
		}
	}
	r.vaults = append([]*Vault{v}, r.vaults...)
	return v, nil
}

// Unwrap opens a box under whichever key it was wrapped, and says which; else it is
// ErrWrongMasterKey.
func (r *Ring) Unwrap(box []byte, name string) (raw []byte, by *Vault, err error) {
	if raw, by = r.try(box, name); by != nil {
		return raw, by, nil
	}
	if err := r.reload(); err != nil {
		return nil, nil, fmt.Errorf("%w for %s: %w", ErrWrongMasterKey, name, err)
	}
	if raw, by = r.try(box, name); by != nil {
		return raw, by, nil
	}
	return nil, nil, fmt.Errorf("%w: %s was wrapped with another one, or is damaged", ErrWrongMasterKey, name)
}

func (r *Ring) try(box []byte, name string) ([]byte, *Vault) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, v := range r.vaults {
		if raw, err := v.Unwrap(box, name); err == nil {
			return raw, v
		}
	}
	return nil, nil
}

func (r *Ring) reload() error {
	if r.more == nil {
		return nil
	}
	masters, err := r.more()
	if err != nil {
		return err
	}
	for _, master := range masters {
		if _, err := r.Add(master); err != nil {
			return err
		}
	}
	return nil
}
