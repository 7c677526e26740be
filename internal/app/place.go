package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/natsserver"
)

// place is where an installation's log lies, for work that is done while no server
// runs on it.
type place struct {
	settings config.API
	sync     bool // each write is synced before it is answered
}

// open reaches or starts the broker, and finds the master key.
func (at place) open(p *parts) (*nats.Conn, masterKeys, error) {
	if at.settings.NATSURL != "" {
		nc, err := connectBroker(p, at.settings.NATSURL)
		return nc, configuredKeys(at.settings.Shared), err
	}
	dir, err := openDataDir(at.settings.DataDir)
	if err != nil {
		return nil, masterKeys{}, err
	}
	p.add("data directory", func(context.Context) error { return dir.close() })
	master, err := at.masterKeys(dir)
	if err != nil {
		return nil, masterKeys{}, err
	}
	server, err := natsserver.Start(natsserver.Options{Dir: dir.join("nats"), Sync: at.sync, Logger: p.log.Named("nats")})
	if err != nil {
		return nil, masterKeys{}, err
	}
	p.add("NATS", func(context.Context) error {
		server.Stop()
		return nil
	})
	nc, err := server.Connect()
	if err != nil {
		return nil, masterKeys{}, err
	}
	p.add("connection to NATS", closeConnection(nc))
	return nc, master, nil
}

// masterKeys never makes one: it must be the one that the keys were wrapped with.
func (at place) masterKeys(dir *dataDir) (masterKeys, error) {
	if at.settings.MasterKey != nil {
		return configuredKeys(at.settings.Shared), nil
	}
	there, err := exists(dir.join(masterKeyName))
	if err != nil {
		return masterKeys{}, err
	}
	if !there {
		return masterKeys{}, fmt.Errorf("%w in %s", errNoMasterKey, dir.path)
	}
	return dir.masterKeys()
}

var errNoMasterKey = errors.New("there is no master.key")
