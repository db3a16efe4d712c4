package client

import (
	"fmt"
	"math/rand/v2"
	"time"

	"zeta/event"
)

// maxBreaks is how many connections may break under a batch before it is given up.
const maxBreaks = 3

// run is the sender: it takes batches from the queue and delivers them one after the other.
func (c *Client) run() {
	defer close(c.done)
	defer c.leave()
	backoff := c.opts.MinBackoff
	var batch []event.Event
	for {
		batch = c.next(batch[:0])
		if len(batch) == 0 {
			return
		}
		c.deliver(batch, &backoff)
		clear(batch)
		c.mu.Lock()
		c.flying = 0
		c.settle()
		overflow := c.overflow
		c.overflow = 0
		c.mu.Unlock()
		if overflow > 0 {
			c.opts.OnError(&LostError{overflow, fmt.Sprintf("the queue of %d was full", c.opts.Queue)})
		}
	}
}

// next waits until a batch is due and takes it; none means that the client is to end.
func (c *Client) next(batch []event.Event) []event.Event {
	timer := time.NewTimer(c.opts.FlushEvery)
	defer timer.Stop()
	for {
		select {
		case <-c.stop:
			return nil
		default:
		}
		c.mu.Lock()
		n := c.queue.len()
		wait := c.opts.FlushEvery
		if n > 0 {
			wait -= time.Since(c.oldest)
		}
		if n >= c.opts.Batch || n > 0 && (wait <= 0 || c.urgent > c.queue.head) {
			batch = c.queue.take(batch, c.opts.Batch)
			c.flying = uint64(len(batch))
			c.oldest = time.Now()
			c.mu.Unlock()
			return batch
		}
		c.mu.Unlock()
		var due <-chan time.Time
		if n > 0 {
			timer.Reset(wait)
			due = timer.C
		}
		select {
		case <-c.wake:
		case <-due:
		case <-c.stop:
			return nil
		}
	}
}

// deliver sends a batch until it is answered, given up, or the client has no more time.
func (c *Client) deliver(batch []event.Event, backoff *time.Duration) {
	message := newMessage(batch)
	n := uint64(len(batch))
	for breaks := 0; ; {
		reused := c.link.conn != nil
		err := c.link.connect(c.stop)
		if err == errStopped {
			c.dropped.Add(n)
			return
		}
		if err == nil {
			answer, err2 := c.link.send(message)
			switch {
			case err2 != nil:
				err = err2
				breaks++
			case answer.Ok != nil && !*answer.Ok:
				*backoff = c.opts.MinBackoff
				c.refused.Add(n)
				c.report(&RefusedError{len(batch), answer.GetError()})
				return
			default:
				*backoff = c.opts.MinBackoff
				c.sent.Add(n)
				return
			}
		}
		c.report(err)
		if breaks == maxBreaks {
			c.dropped.Add(n)
			c.report(&LostError{n, fmt.Sprintf("%d connections broke under their batch", breaks)})
			return
		}
		if reused {
			continue // the server may have been restarted while nothing was sent
		}
		if !c.pause(*backoff) {
			c.dropped.Add(n)
			return
		}
		*backoff = min(2**backoff, c.opts.MaxBackoff)
	}
}

// report tells of an error and keeps it for those who wait in vain.
func (c *Client) report(err error) {
	c.mu.Lock()
	c.lastError = err
	c.mu.Unlock()
	c.opts.OnError(err)
}

// pause waits between a half and the whole of d, so that many clients of a server do not return together;
// it returns false when the client is to end.
func (c *Client) pause(d time.Duration) bool {
	timer := time.NewTimer(d/2 + rand.N(d/2+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.stop:
		return false
	}
}

// leave drops what is left and ends the connection.
func (c *Client) leave() {
	c.mu.Lock()
	for c.queue.len() > 0 {
		c.queue.drop()
		c.dropped.Add(1)
	}
	c.flying = 0
	c.settle()
	c.mu.Unlock()
	c.link.close()
}
