// The view of `Correct` (nbs/22_correct.ipynb): shows cells as ellipses over the image, and sends what is done to them.
// Python answers each message with the whole state; nothing is kept here but what is chosen, drawn or zoomed.
// Places are in image pixels with the first pixel from 0 to 1, so an ellipse lies half a pixel off what Python says.

const make = (tag, attributes = {}, ...inside) => fill(document.createElement(tag), attributes, inside)
const draw = (tag, attributes = {}, ...inside) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, inside)

function fill(e, attributes, inside) {
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v)
  e.append(...inside)
  return e
}

// ---- Ellipses: [x, y, long, short, degrees] -------------------------------------------------------------------------

// Along and across the axes of an ellipse, from its middle
function inAxes([x, y, , , degrees], at) {
  const turn = degrees*Math.PI/180
  const dx = at.x-x-.5
  const dy = at.y-y-.5
  return [dx*Math.cos(turn) + dy*Math.sin(turn), dy*Math.cos(turn) - dx*Math.sin(turn)]
}

// Distance to the middle, in radii of the ellipse
function radii(shape, at) {
  const [along, across] = inAxes(shape, at)
  return Math.hypot(along/shape[2], across/shape[3])
}

// The four handles: on the ends of the long axis, and of the short one
function handles([x, y, long, short, degrees]) {
  const turn = degrees*Math.PI/180
  const place = (r, a) => ({x: x+.5 + r*Math.cos(a), y: y+.5 + r*Math.sin(a)})
  const quarter = Math.PI/2
  return [place(long, turn), place(long, turn+2*quarter), place(short, turn+quarter), place(short, turn-quarter)]
}

// The ellipse whose handle `i` is taken to a place
function pulled([x, y, long, short, degrees], i, at) {
  const dx = at.x-x-.5
  const dy = at.y-y-.5
  const r = Math.max(2, Math.hypot(dx, dy))
  const angle = Math.atan2(dy, dx)*180/Math.PI
  if (i < 2) return upright([x, y, r, short, i ? angle+180 : angle])
  return upright([x, y, long, r, i === 2 ? angle-90 : angle+90])
}

// The same ellipse with its longer axis as the long one, and degrees from -90 to 90
function upright([x, y, long, short, degrees]) {
  if (short > long) return upright([x, y, short, long, degrees+90])
  return [x, y, long, short, ((degrees+90)%180+180)%180 - 90]
}

// ---- The stage: image, ellipses and handles -------------------------------------------------------------------------

class Stage {
  chosen = new Set()  // ids of cells
  adding = false      // does a drag draw a cell?
  hidden = false      // are the outlines hidden?
  #drag = null        // {kind, id, i, from, shape, moved}
  #url = ''

  constructor(editor) {
    this.editor = editor
    this.picture = draw('image', {preserveAspectRatio: 'none'})
    this.layer = draw('g')
    this.svg = draw('svg', {class: 'rbc-ellipses', 'aria-label': 'Image and cells'}, this.picture, this.layer)
    this.hint = make('div', {class: 'rbc-hint'})
    this.element = make('div', {class: 'rbc-stage'}, this.svg, this.hint)
    this.svg.addEventListener('pointerdown', e => this.#down(e))
    this.svg.addEventListener('pointermove', e => this.#move(e))
    this.svg.addEventListener('pointerup', e => this.#up(e))
    this.svg.addEventListener('pointercancel', () => this.cancel())
    this.svg.addEventListener('wheel', e => this.#wheel(e), {passive: false})
    this.resized = new ResizeObserver(() => this.update())
    this.resized.observe(this.element)
  }

  // -- what is shown

  show(bytes) {
    URL.revokeObjectURL(this.#url)
    this.#url = URL.createObjectURL(new Blob([bytes], {type: 'image/jpeg'}))
    this.picture.setAttribute('href', this.#url)
  }

  fit() {
    const [top, left, bottom, right] = this.editor.state.box
    this.view = [left, top, right-left, bottom-top]
    this.update()
  }

  get scale() {
    const [, , w, h] = this.view
    return Math.min(this.element.clientWidth/w, this.element.clientHeight/h) || 1
  }

  zoom(by, at = {x: this.view[0]+this.view[2]/2, y: this.view[1]+this.view[3]/2}) {
    const [x, y, w, h] = this.view
    this.view = [at.x - (at.x-x)/by, at.y - (at.y-y)/by, w/by, h/by]
    this.update()
  }

  update() {
    if (!this.view) return
    const [top, left, bottom, right] = this.editor.state.image_box
    fill(this.picture, {x: left, y: top, width: right-left, height: bottom-top}, [])
    fill(this.svg, {viewBox: this.view.join(' ')}, [])
    this.svg.classList.toggle('rbc-adding', this.adding)
    this.hint.textContent = this.#tip
    const cells = this.hidden ? [] : this.editor.state.cells
    const one = this.chosen.size === 1 && cells.find(c => this.chosen.has(c.id))
    const drawn = this.#drag?.kind === 'add' ? [this.#ellipse({id: '', shape: this.#drag.shape, mine: true})] : []
    const ends = one ? handles(this.#shape(one)).map((p, i) => this.#handle(p, i)) : []
    const outlines = cells.map(c => this.#ellipse(c))
    const numbers = cells.map(c => this.#number(c))
    this.layer.replaceChildren(...outlines, ...numbers, ...drawn, ...ends)
  }

  get #tip() {
    if (this.adding) return 'Drag across the new cell, or click on its middle; Esc ends'
    if (this.chosen.size > 1) return 'M makes one cell of these, D deletes them'
    if (this.chosen.size) return 'Drag moves the cell, a handle changes its shape; Shift-click chooses another one, too'
    return 'Click on a cell to choose it; wheel zooms, drag moves the image'
  }

  // The shape of a cell while it is dragged
  #shape({id, shape}) { return this.#drag?.id === id ? this.#drag.shape : shape }

  #ellipse(cell) {
    const [x, y, long, short, degrees] = this.#shape(cell)
    const kinds = ['mine', 'by'].filter(k => cell[k]).map(k => `rbc-${k}`)
    if (this.chosen.has(cell.id)) kinds.push('rbc-chosen')
    return draw('ellipse', {
      cx: x+.5, cy: y+.5, rx: long, ry: short, transform: `rotate(${degrees} ${x+.5} ${y+.5})`,
      class: kinds.join(' '), 'data-cell': cell.id,
    })
  }

  #number(cell) {
    const [x, y] = this.#shape(cell)
    const size = (cell.mine ? 14 : 11)/this.scale
    return draw('text', {x: x+.5, y: y+.5 + size/3, 'font-size': size}, `${cell.number}`)
  }

  #handle({x, y}, i) { return draw('circle', {cx: x, cy: y, r: 5/this.scale, 'data-handle': i}) }

  // -- what the pointer does

  #spot(e) {
    const p = new DOMPoint(e.clientX, e.clientY).matrixTransform(this.svg.getScreenCTM().inverse())
    return {x: p.x, y: p.y}
  }

  // Of the cells at a place, the one whose middle is nearest, by its own radii; what is chosen comes first
  #cellAt(at) {
    const near = this.editor.state.cells.map(c => [radii(c.shape, at) - (this.chosen.has(c.id) ? .3 : 0), c])
    const inside = near.filter(([q]) => q <= 1).sort(([a], [b]) => a-b)
    return inside[0]?.[1]
  }

  #down(e) {
    if (e.button || this.editor.busy) return
    const at = this.#spot(e)
    this.svg.setPointerCapture(e.pointerId)
    if (e.target.dataset.handle) return this.#begin('pull', at, this.#only, +e.target.dataset.handle)
    if (this.adding) return this.#begin('add', at)
    const cell = this.hidden ? undefined : this.#cellAt(at)
    if (!cell) {
      this.#drag = {kind: 'pan', from: at, view: this.view, moved: false}
      return
    }
    this.#choose(cell.id, e.shiftKey || e.ctrlKey || e.metaKey)
    this.#begin('move', at, cell)
  }

  get #only() { return this.editor.state.cells.find(c => this.chosen.has(c.id)) }

  #begin(kind, from, cell, i) {
    const radius = this.editor.state.diameter/2
    const shape = cell?.shape ?? [from.x-.5, from.y-.5, radius, radius, 0]
    this.#drag = {kind, from, i, id: cell?.id, before: shape, shape, moved: false}
    this.update()
  }

  #choose(id, more) {
    if (more && this.chosen.has(id)) this.chosen.delete(id)
    else if (more) this.chosen.add(id)
    else if (!this.chosen.has(id)) this.chosen = new Set([id])
    this.editor.changed()
  }

  #move(e) {
    const drag = this.#drag
    if (!drag) return
    const at = this.#spot(e)
    const far = Math.hypot(at.x-drag.from.x, at.y-drag.from.y)
    drag.moved ||= far*this.scale > 3
    if (!drag.moved) return
    if (drag.kind === 'pan') {
      const [x, y, w, h] = this.view
      this.view = [x+drag.from.x-at.x, y+drag.from.y-at.y, w, h]
    } else drag.shape = this.#dragged(drag, at, far)
    this.update()
  }

  #dragged({kind, i, from, before}, at, far) {
    const [x, y, long, short, degrees] = before
    if (kind === 'pull') return pulled(before, i, at)
    if (kind === 'move') return [x+at.x-from.x, y+at.y-from.y, long, short, degrees]
    const r = Math.max(2, far/2) // a drag across a new cell is its diameter
    return [(at.x+from.x)/2-.5, (at.y+from.y)/2-.5, r, r, 0]
  }

  #up() {
    const drag = this.#drag
    if (!drag) return
    if (drag.kind === 'add') this.editor.edit('add', [], [drag.shape])
    else if (drag.kind === 'pan') {
      if (!drag.moved) this.chosen.clear()
    } else if (drag.moved) this.editor.edit('move', [drag.id], [drag.shape])
    this.adding = false
    this.#drag = null
    if (drag.kind === 'pan') this.editor.changed()
  }

  cancel() {
    this.#drag = null
    this.adding = false
    this.editor.changed()
  }

  #wheel(e) {
    e.preventDefault()
    this.zoom(e.deltaY < 0 ? 1.2 : 1/1.2, this.#spot(e))
  }
}

// ---- The editor: buttons and keys, the list, and what they send -----------------------------------------------------

class Editor {
  #keys = new Map()
  #sent = 0
  #place = ''

  constructor(model) {
    this.model = model
    this.stage = new Stage(this)
    this.#build()
    this.onState = () => this.receive()
    this.onImage = () => this.stage.show(model.get('image'))
    model.on('change:state', this.onState)
    model.on('change:image', this.onImage)
    this.onImage()
    this.receive()
  }

  get state() { return this.model.get('state') }
  get busy() { return this.#sent > this.state.answered }

  end() {
    this.model.off('change:state', this.onState)
    this.model.off('change:image', this.onImage)
    window.removeEventListener('keydown', this.onKey, {capture: true})
    this.stage.resized.disconnect()
    this.root.remove()
  }

  // -- to and from Python

  send(what, content = {}) {
    if (this.busy) return
    this.#sent = this.state.answered+1
    this.model.send({do: what, id: this.#sent, key: this.state.key, ...content})
    this.changed()
  }

  edit(operation, remove, add = []) { this.send('edit', {operation, remove, add: add.map(shape => upright(shape))}) }

  receive() {
    const {state, stage} = this
    if (state.place_key !== this.#place) {
      this.#place = state.place_key
      stage.fit()
    }
    stage.chosen = new Set(state.chosen)
    this.changed()
  }

  // -- the panel

  #build() {
    const chosen = () => [...this.stage.chosen]
    const go = what => () => this.send(what)
    this.accept = this.button('Right as it is, next', 'a', 'The cells are right; show the next clump', go('accept'))
    this.next = this.button('Next', '→', 'The next place; nothing is decided', go('next'))
    this.back = this.button('Back', '←', 'The place before', go('back'))
    this.undo = this.button('Undo', 'u', 'Take back what was done last in this image', go('undo'))
    this.adder = this.button('Add', 'n', 'Add a cell: drag across it, or click for one of typical size', () => {
      this.stage.adding = !this.stage.adding
      this.changed()
    })
    this.split = this.button('Split', 's', 'Make two cells of the chosen one', () => this.edit('split', chosen()))
    this.merge = this.button('Merge', 'm', 'Make one cell of the chosen ones', () => this.edit('merge', chosen()))
    this.remove = this.button('Delete', 'd', 'Delete the chosen cells', () => this.edit('delete', chosen()))
    this.hide = this.button('Outlines', 'h', 'Show or hide all outlines', () => {
      this.stage.hidden = !this.stage.hidden
      this.changed()
    })
    this.tables = this.button('Make tables', 't', 'Tables and report with the corrected cells', go('tables'))
    const nearer = this.button('+', '+', 'Zoom in', () => this.stage.zoom(1.4))
    const farther = this.button('−', '-', 'Zoom out', () => this.stage.zoom(1/1.4))
    const whole = this.button('Fit', '0', 'The whole place', () => this.stage.fit())
    const group = (name, ...inside) => make('div', {role: 'group', 'aria-label': name, class: 'rbc-group'}, ...inside)
    const row = (classes, ...inside) => make('div', {class: `rbc-row ${classes}`}, ...inside)
    this.where = make('b')
    this.status = make('span', {class: 'rbc-pill'})
    this.why = make('span', {class: 'rbc-why'})
    this.saved = make('span', {class: 'rbc-saved', role: 'status'})
    this.told = make('span', {class: 'rbc-counts'})
    this.error = make('div', {class: 'rbc-error', role: 'alert'})
    this.list = make('ol', {class: 'rbc-list', 'aria-label': 'Clumps in doubt, then whole images'})
    const says = {role: 'application', 'aria-label': 'Correction of cells'}
    this.root = make('div', {class: 'rbc-review rbc-correct', tabindex: 0, ...says},
      row('', this.where, this.status, this.why),
      row('', group('Decision', this.accept, this.back, this.next, this.undo), this.saved, this.tables, this.told),
      row('',
        group('Cells', this.adder, this.split, this.merge, this.remove, this.hide),
        group('Zoom', farther, nearer, whole)),
      make('div', {class: 'rbc-body'}, this.list, this.stage.element),
      this.error) // last, so that the picture stays where it is when a message comes or goes
    this.onKey = e => this.#key(e)
    window.addEventListener('keydown', this.onKey, {capture: true})
    this.root.addEventListener('pointerdown', () => this.root.focus({preventScroll: true}))
    this.#keys.set('Escape', () => this.stage.cancel())
    this.#keys.set('Delete', () => this.remove.disabled || this.remove.click())
  }

  button(name, key, says, act) {
    const b = make('button', {
      type: 'button', title: `${says} (${key})`, 'aria-label': `${says} (key ${key})`, 'aria-keyshortcuts': key,
    }, name, make('kbd', {}, key.toUpperCase()))
    b.addEventListener('click', act)
    this.#keys.set(key, () => b.disabled || b.click())
    return b
  }

  // JupyterLab listens on the document, so what is ours has to be caught before, at the window
  #key(e) {
    if (!this.root.contains(e.target) || e.ctrlKey || e.metaKey || e.altKey || e.key === 'Tab') return
    const act = this.#keys.get({ArrowRight: '→', ArrowLeft: '←'}[e.key] ?? e.key)
    e.stopImmediatePropagation()
    const typed = e.key === 'Enter' || e.key === ' '
    if (typed || !act) return
    e.preventDefault()
    act()
  }

  changed() {
    const {state, busy, stage} = this
    const n = stage.chosen.size
    this.where.textContent = state.where
    this.status.textContent = state.decided ? 'decided' : 'undecided'
    this.status.dataset.decision = state.decided ? 'accept' : ''
    this.why.textContent = state.why
    this.told.textContent = `${state.n_decided} of ${state.n_doubted} clumps decided`
    this.error.textContent = state.error
    this.saved.textContent = busy ? 'saving …' : `all saved; tables ${state.tables_new ? 'are up to date' : 'are older'}`
    this.saved.classList.toggle('rbc-busy', busy || !state.tables_new)
    this.accept.disabled = busy
    this.undo.disabled = busy || !state.can_undo
    this.split.disabled = busy || n !== 1
    this.merge.disabled = busy || n < 2
    this.remove.disabled = busy || !n
    this.tables.disabled = busy || state.tables_new
    this.adder.ariaPressed = String(stage.adding)
    this.hide.ariaPressed = String(!stage.hidden)
    this.root.toggleAttribute('data-busy', busy)
    this.root.dataset.shown = state.place_key // for who looks from outside
    this.#fillList()
    stage.update()
  }

  #fillList() {
    const {places, at} = this.state
    const key = JSON.stringify([places, at])
    if (this.listed === key) return
    this.listed = key
    const items = places.map(({name, why, decided, at: i}) => {
      const b = make('button', {type: 'button', 'data-at': i}, make('b', {}, `${decided ? '✓ ' : ''}${name}`), ` ${why}`)
      b.ariaCurrent = String(i === at)
      b.addEventListener('click', () => this.send('go', {at: i}))
      return make('li', {}, b)
    })
    this.list.replaceChildren(...items)
    this.list.querySelector('[aria-current=true]')?.scrollIntoView({block: 'nearest'})
  }
}

export default {
  render({model, el}) {
    const editor = new Editor(model)
    el.append(editor.root)
    editor.stage.fit()
    return () => editor.end()
  },
}
