package manifest

import (
	"io"
	"runtime"
	"sync"
)

// A text is read in three stages. One goroutine finds out how far each chunk goes, some decode chunks, each one on its own,
// and the caller gets them in the order of the text. What is between the stages is bounded by its size, and handed on before
// more of the input is asked for: an answer does not wait for what comes after it.

// terms are what chunks are decoded by. They do not change while a text is read.
type terms struct {
	file   string
	limits limits
}

// task is a chunk that is cut from the text.
type task struct {
	terms
	*tools
	Chunk
	err error // the reader's own, of a last task that has no chunk
	// failure is the reader's own, if it gave no more than this chunk, which may be a part of a longer one.
	failure error
	// decode completes the chunk, in whatever order; settle does what must be done in the order of the text.
	decode, settle func(*task)
	// unnamed: an item of a list does not say what it is.
	unnamed bool
}

// batch are tasks that are decoded one after another.
type batch struct {
	tasks  []*task
	weight int
	done   chan struct{}
}

const (
	// batchWeight is how much is handed on at once, and heldWeight how much may be on its way, in bytes of JSON.
	batchWeight = 32 << 10
	heldWeight  = 256 << 10
	// yamlWeight is what a byte of YAML weighs: its tree takes a hundred times its length.
	yamlWeight = 16
)

func (t *task) weight() int {
	if t.Format == YAML {
		return yamlWeight * len(t.Raw)
	}
	return len(t.Raw)
}

// pipeline carries batches from the reader to the caller.
type pipeline struct {
	batch *batch // that is being filled
	// work and order have the same batches, for those who decode and for the caller.
	work, order chan *batch
	finished    chan struct{} // the reader is at its end
	unwanted    chan struct{} // the caller wants no more

	mu      sync.Mutex
	passed  sync.Cond // a batch is with the caller, or nothing more is wanted
	weight  int       // on its way
	stopped bool
	waiting bool // the reader waits for its input
}

func newPipeline() *pipeline {
	const batches = heldWeight / batchWeight
	p := &pipeline{
		batch: &batch{}, work: make(chan *batch, batches), order: make(chan *batch, batches),
		finished: make(chan struct{}), unwanted: make(chan struct{}),
	}
	p.passed.L = &p.mu
	return p
}

// run reads by a function, which adds tasks, and yields their chunks.
func (p *pipeline) run(read func(), yield func(Chunk, error) bool) {
	go func() {
		read()
		p.handOn()
		close(p.work)
		close(p.order)
		close(p.finished)
	}()
	for range runtime.GOMAXPROCS(0) {
		go p.decodeAll()
	}
	for b := range p.order {
		<-b.done
		for _, t := range b.tasks {
			if t.settle != nil {
				t.settle(t)
			}
			if !yield(t.Chunk, t.err) {
				p.stop()
				return
			}
		}
		p.pass(b)
	}
}

// decodeAll decodes batches until there are no more.
func (p *pipeline) decodeAll() {
	with := &tools{scalars: scalars{}}
	for b := range p.work {
		for _, t := range b.tasks {
			if t.tools = with; t.decode != nil {
				t.decode(t)
			}
			t.tools = nil
		}
		close(b.done)
	}
}

// add adds a task and reports whether the caller wants more.
func (p *pipeline) add(t *task) bool {
	p.batch.tasks = append(p.batch.tasks, t)
	if p.batch.weight += t.weight(); p.batch.weight >= batchWeight {
		return p.handOn()
	}
	return true
}

// handOn hands the batch on, as soon as there is room for it, and reports whether the caller wants more.
func (p *pipeline) handOn() bool {
	b := p.batch
	p.batch = &batch{}
	if !p.makeRoom(b.weight) {
		return false
	}
	if len(b.tasks) == 0 {
		return true
	}
	b.done = make(chan struct{})
	b.tasks[len(b.tasks)-1].Last = true
	for _, to := range []chan *batch{p.order, p.work} {
		select {
		case to <- b:
		case <-p.unwanted:
			return false
		}
	}
	return true
}

// makeRoom waits until so much more may be on its way, or anything where nothing is, and reports whether the caller wants it.
func (p *pipeline) makeRoom(weight int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.weight > 0 && p.weight+weight > heldWeight && !p.stopped {
		p.passed.Wait()
	}
	p.weight += weight
	return !p.stopped
}

// pass makes room after a batch.
func (p *pipeline) pass(b *batch) {
	p.mu.Lock()
	p.weight -= b.weight
	p.mu.Unlock()
	p.passed.Signal()
}

// stop tells the reader that no more is wanted, and waits until it has heard, unless it waits for its input.
func (p *pipeline) stop() {
	p.mu.Lock()
	p.stopped = true
	waiting := p.waiting
	p.mu.Unlock()
	p.passed.Signal()
	close(p.unwanted)
	if !waiting {
		<-p.finished
	}
}

// from is a reader for the pipeline: before it may have to wait, what is known by now is handed on.
func (p *pipeline) from(r io.Reader) io.Reader { return &patient{r, p} }

// patient is a reader that may take its time.
type patient struct {
	io.Reader
	*pipeline
}

func (r *patient) Read(b []byte) (int, error) {
	if !r.handOn() || !r.wait(true) {
		return 0, io.EOF
	}
	defer r.wait(false)
	return r.Reader.Read(b)
}

// wait notes whether the reader waits for its input, and reports whether it is to.
func (p *pipeline) wait(waiting bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = waiting && !p.stopped
	return p.waiting
}
