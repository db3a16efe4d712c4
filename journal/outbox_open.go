package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// OutboxVersion is the version of the outbox's file this program writes and the highest it reads.
const OutboxVersion = 1

const (
	lockTimeout = time.Second
	// compactAbove is the size of a file that is worth compacting, in bytes.
	compactAbove = 4 << 20
)

// OpenOutbox opens the outbox in the file path, making it if there is none, and starts its committer. A file
// that cannot be read is moved to the directory quarantine beside it, and the outbox begins empty: see Rebuilt.
func OpenOutbox(path string, opts OutboxOptions) (*Outbox, error) {
	opts.setDefaults()
	if err := os.MkdirAll(filepath.Join(filepath.Dir(path), quarantineDir), 0o700); err != nil {
		return nil, fmt.Errorf("open outbox: %w", err)
	}
	o := &Outbox{opts: opts, path: path}
	err := o.open()
	if damaged(err) {
		opts.Logger.Error("outbox: the file is damaged and set aside", "file", path, "err", err)
		if !moveAside(OS{}, filepath.Dir(path), filepath.Base(path)) {
			return nil, fmt.Errorf("open outbox %s: it is damaged (%w) and cannot be moved to %s", path, err, quarantineDir)
		}
		reason := err.Error()
		err = o.open()
		o.rebuilt = reason
	}
	if err != nil {
		return nil, fmt.Errorf("open outbox %s: %w", path, err)
	}
	os.Remove(o.reservePath())
	o.makeReserve()
	go o.commit()
	return o, nil
}

// damaged reports whether err, from open, speaks against the file rather than against the circumstances.
func damaged(err error) bool {
	var newer *VersionError
	var path *fs.PathError
	var errno syscall.Errno
	return err != nil && !errors.As(err, &newer) && !errors.As(err, &path) && !errors.As(err, &errno) && !errors.Is(err, bolterrors.ErrTimeout)
}

// open opens the file, compacts it if that is worth it, and reads it through.
func (o *Outbox) open() (err error) {
	defer guard(&err)()
	o.queues, o.tables = map[string]*Queue{}, map[string]*Table{}
	o.moved, o.wake = make(chan struct{}), make(chan struct{}, 1)
	o.closing, o.giveUp, o.done = make(chan struct{}), make(chan struct{}), make(chan struct{})
	if err := checkBolt(o.path); err != nil {
		return err
	}
	if o.db, err = openBolt(o.path); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			o.db.Close()
		}
	}()
	if err := o.db.Update(prepare(o.path)); err != nil {
		return err
	}
	if err := o.compact(); err != nil {
		o.opts.Logger.Warn("outbox: the file could not be made smaller", "err", err)
	}
	return o.db.Update(o.load)
}

func openBolt(path string) (*bolt.DB, error) {
	return bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout, FreelistType: bolt.FreelistMapType})
}

// prepare makes the buckets, or checks the version.
func prepare(path string) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		if meta := tx.Bucket(bucketMeta); meta != nil {
			if v := getNumber(meta, metaVersion); v == 0 || v > OutboxVersion {
				return &VersionError{File: path, Found: uint32(v), Want: OutboxVersion}
			}
		}
		for _, name := range allBuckets {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(metaVersion, number(OutboxVersion))
	}
}

// compact copies the file if more than half of it is free.
func (o *Outbox) compact() error {
	info, err := os.Stat(o.path)
	if err != nil {
		return err
	}
	free := int64(o.db.Stats().FreePageN) * int64(o.db.Info().PageSize)
	if info.Size() < compactAbove || free < info.Size()/2 {
		return nil
	}
	tmp := o.path + ".compact"
	os.Remove(tmp)
	small, err := bolt.Open(tmp, 0o600, &bolt.Options{Timeout: lockTimeout, NoSync: true})
	if err != nil {
		return err
	}
	err = bolt.Compact(small, o.db, 1<<20)
	if err == nil {
		err = small.Sync()
	}
	if cerr := small.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(tmp)
		return err
	}
	if err := o.db.Close(); err != nil {
		return err
	}
	rerr := os.Rename(tmp, o.path)
	if rerr == nil {
		rerr = OS{}.SyncDir(filepath.Dir(o.path))
	}
	o.opts.Logger.Info("outbox: compacted", "from_bytes", info.Size(), "free_bytes", free)
	if o.db, err = openBolt(o.path); err != nil {
		return err
	}
	return rerr
}

// load reads everything once, checks it, and moves values whose checksum is wrong out of the way.
func (o *Outbox) load(tx *bolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	o.seq, o.pos = getNumber(meta, metaSeq), getNumber(meta, metaPos)
	if err := o.loadEntries(tx, bucketQueue, func(q *Queue, e *Entry) {
		q.append(item{pos: e.Pos, size: e.size(), stamp: e.Stamp, ready: true})
		signal(q.wake)
	}); err != nil {
		return err
	}
	if err := o.loadEntries(tx, bucketDead, func(q *Queue, e *Entry) { q.dead = append(q.dead, e.Pos) }); err != nil {
		return err
	}
	c := tx.Bucket(bucketAge).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		o.ledger++
	}
	return eachBucket(tx, bucketTable, func(name string, b *bolt.Bucket) error {
		t := o.table(name)
		return o.eachValue(tx, b, func(k, v []byte) error {
			t.load(string(k), v)
			return nil
		})
	})
}

func (o *Outbox) loadEntries(tx *bolt.Tx, top []byte, add func(*Queue, *Entry)) error {
	return eachBucket(tx, top, func(sink string, b *bolt.Bucket) error {
		q := o.queue(sink)
		return o.eachValue(tx, b, func(k, v []byte) error {
			if len(k) != 8 {
				return errDamagedValue
			}
			e, err := decodeEntry(v, keyNumber(k))
			if err != nil {
				return err
			}
			o.pos = max(o.pos, e.Pos)
			add(q, e)
			return nil
		})
	})
}

func keyNumber(k []byte) (n uint64) {
	for _, b := range k {
		n = n<<8 | uint64(b)
	}
	return n
}

func eachBucket(tx *bolt.Tx, top []byte, fn func(name string, b *bolt.Bucket) error) error {
	parent := tx.Bucket(top)
	return parent.ForEachBucket(func(k []byte) error { return fn(string(k), parent.Bucket(k)) })
}

// eachValue calls fn with every value of b whose checksum is right. The others, and those fn cannot take, go to
// the bucket broken.
func (o *Outbox) eachValue(tx *bolt.Tx, b *bolt.Bucket, fn func(k, v []byte) error) error {
	var broken [][]byte
	err := b.ForEach(func(k, stored []byte) error {
		v, err := unframe(stored)
		if err == nil {
			err = fn(k, v)
		}
		if err != nil {
			broken = append(broken, append([]byte(nil), k...))
		}
		return nil
	})
	for _, k := range broken {
		if err == nil {
			o.stats.Damaged++
			o.opts.Logger.Error("outbox: a damaged value is set aside", "key", fmt.Sprintf("%x", k))
			err = tx.Bucket(bucketBroken).Put(append(number(uint64(time.Now().UnixMicro())), k...), append([]byte(nil), b.Get(k)...))
		}
		if err == nil {
			err = b.Delete(k)
		}
	}
	return err
}
