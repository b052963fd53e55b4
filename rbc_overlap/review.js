// The view of `Review` (nbs/10_review.ipynb): shows what Python holds, paints at once, and sends each stroke.
// A mask is a Uint8Array at full resolution; a pixel belongs to a shape if its centre does, so nothing is blurred.

const UNKNOWN = 255

// ---- Shapes: the box [top, left, bottom, right) they lie in, and which points (x, y) they have -----------------------

const around = (points, pad) => {
  const xs = points.map(p => p.x), ys = points.map(p => p.y)
  return [Math.floor(Math.min(...ys)-pad), Math.floor(Math.min(...xs)-pad), Math.ceil(Math.max(...ys)+pad), Math.ceil(Math.max(...xs)+pad)]
}

// What a disc of radius `r` covers on its way from `a` to `b`
function stroke(a, b, r) {
  const dx = b.x-a.x, dy = b.y-a.y, length2 = dx*dx + dy*dy
  return {box: around([a, b], r), has(x, y) {
    const along = (x-a.x)*dx + (y-a.y)*dy
    if (along <= 0) return (x-a.x)**2 + (y-a.y)**2 <= r*r
    if (along >= length2) return (x-b.x)**2 + (y-b.y)**2 <= r*r
    return ((x-a.x)*dy - (y-a.y)*dx)**2 <= r*r*length2
  }}
}

// Centre, half axes and unit vector of the ellipse whose long axis goes from `a` to `b` and whose side is as far off as `side`
function axes(a, b, side) {
  const x = (a.x+b.x)/2, y = (a.y+b.y)/2, length = Math.hypot(b.x-a.x, b.y-a.y)
  const ux = (b.x-a.x)/length, uy = (b.y-a.y)/length
  return {x, y, ux, uy, long: length/2, wide: Math.abs((side.y-y)*ux - (side.x-x)*uy)}
}

function ellipse({x: cx, y: cy, ux, uy, long, wide}) {
  return {box: around([{x: cx, y: cy}], Math.max(long, wide)), has(x, y) {
    const along = ((x-cx)*ux + (y-cy)*uy)/long, across = ((y-cy)*ux - (x-cx)*uy)/wide
    return along*along + across*across <= 1
  }}
}

function polygon(corners) {
  return {box: around(corners, 0), has(x, y) {
    let inside = false
    corners.forEach((a, i) => {
      const b = corners.at(i-1)
      if ((a.y > y) !== (b.y > y) && x < (b.x-a.x)*(y-a.y)/(b.y-a.y) + a.x) inside = !inside
    })
    return inside
  }}
}

// ---- Tables: what a class becomes when it is painted over -----------------------------------------------------------

const table = change => Uint8Array.from({length: 256}, (_, c) => change[c] ?? change.any ?? c)
const brush = c => table({any: c})
const eraser = c => c ? table({[c]: c === 2 ? 1 : 0}) : table({any: 0}) // an overlap without one of its cells is a cell
const CELL = table({0: 1, [UNKNOWN]: 1, 1: 2})

// Give `to` to all that hangs together with pixel (x, y) and has its class
function flood(mask, width, height, x, y, to) {
  const from = mask[y*width + x], todo = from === to ? [] : [x, y]
  while (todo.length) {
    y = todo.pop()
    x = todo.pop()
    const row = y*width
    if (mask[row+x] !== from) continue
    while (x && mask[row+x-1] === from) x--
    for (let above = false, below = false; x < width && mask[row+x] === from; x++) {
      mask[row+x] = to
      if (y) {
        const same = mask[row-width+x] === from
        if (same && !above) todo.push(x, y-1)
        above = same
      }
      if (y+1 < height) {
        const same = mask[row+width+x] === from
        if (same && !below) todo.push(x, y+1)
        below = same
      }
    }
  }
}

const through = (bytes, stream) => new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer()
const deflate = bytes => through(bytes, new CompressionStream('deflate'))
const inflate = bytes => through(bytes, new DecompressionStream('deflate'))

// ---- The picture: one for each Python object, however many views show it -------------------------------------------

class Picture extends EventTarget {
  bitmap = null        // of the image
  mask = null          // Uint8Array, height*width
  layer = null         // canvas of the same size: the mask in colours
  shown = 0            // `state.shown` of what is here
  since = 0            // when it came
  hidden = new Set([0])
  waiting = new Map()  // number → message that Python hasn't answered
  late = false         // Python takes unusually long
  problem = ''
  #have = {}
  #want = {}
  #last = 0
  #sending = Promise.resolve()
  #window = Math.random().toString(36).slice(2)

  constructor(model) {
    super()
    this.model = model
    model.on('change:state', () => this.receive())
    model.on('msg:custom', (stroke, buffers) => { if (stroke.window !== this.#window) this.#follow(stroke, buffers[0]) })
    this.receive()
    this.send('ready')
  }

  get state() { return this.model.get('state') ?? {} }
  get loading() { return this.#want !== this.#have }
  get locked() { return this.loading || [...this.waiting.values()].some(m => !['paint', 'note', 'ready'].includes(m.do)) }

  tell(what, detail) { this.dispatchEvent(new CustomEvent(what, {detail})) }

  // Messages leave in the order in which they were made, though deflating takes its time
  send(what, content = {}, bytes) {
    const {name, answered} = this.state, {shown} = this
    const id = this.#last = Math.max(this.#last, answered ?? 0) + 1
    const message = {id, do: what, name, shown, window: this.#window, ...content}
    this.waiting.set(id, message)
    this.#sending = this.#sending.then(async () => this.model.send(message, undefined, bytes ? [await deflate(bytes)] : undefined))
      .catch(e => this.#fail(`Not sent: ${e}`))
    setTimeout(() => {
      if (!this.waiting.has(id)) return
      this.late = true
      this.tell('state')
    }, 5000)
    this.tell('state')
  }

  #fail(text) {
    this.problem = text
    this.tell('state')
  }

  receive() {
    const {state} = this, image = this.model.get('image'), mask = this.model.get('mask')
    for (const id of this.waiting.keys()) if (id <= state.answered) this.waiting.delete(id)
    if (!this.waiting.size) this.late = false
    if (image !== this.#want.image || mask !== this.#want.mask || !state.shape !== !this.#want.shape) {
      this.#want = {image, mask, shape: state.shape, name: state.name}
      this.#load(this.#want)
    } else if (!this.loading) this.shown = state.shown
    this.tell('state')
  }

  // Decode what is new; where something newer comes meanwhile, forget it
  async #load(want) {
    let {bitmap, mask, layer} = this, problem = ''
    try {
      if (!want.shape) bitmap = mask = layer = null
      else {
        const same = this.#have.shape && want.image === this.#have.image
        ;[bitmap, mask] = await Promise.all([same ? bitmap : createImageBitmap(new Blob([want.image], {type: 'image/jpeg'})),
          inflate(want.mask).then(a => new Uint8Array(a))])
        const [height, width] = want.shape
        if (mask.length !== height*width) throw Error(`a mask of ${mask.length} pixels for an image of ${height} x ${width}`)
      }
    } catch (e) {
      if (want !== this.#want) return
      bitmap = mask = layer = null
      problem = `Can't be shown: ${e.message ?? e}`
    }
    if (want !== this.#want) return
    const other = want.name !== this.#have.name
    if (this.bitmap && this.bitmap !== bitmap) this.bitmap.close()
    Object.assign(this, {bitmap, mask, problem, shown: this.state.shown})
    if (other) this.since = performance.now()
    this.#have = want
    this.color()
    this.tell('picture', other)
    this.tell('state')
  }

  // A stroke that was painted in another window
  async #follow({y: top, x: left, h, w}, buffer) {
    if (this.loading) return this.send('ready')
    const have = this.#have, after = new Uint8Array(await inflate(buffer))
    if (have !== this.#want || !this.mask) return
    for (let y = 0; y < h; y++) this.mask.set(after.subarray(y*w, (y+1)*w), (top+y)*this.width + left)
    this.changed([top, left, top+h, left+w])
  }

  get height() { return this.#have.shape?.[0] ?? 0 }
  get width() { return this.#have.shape?.[1] ?? 0 }

  // Bring the layer's colours up to date within the box; its hatching is as wide as it must be to be seen in the whole image
  color([top, left, bottom, right] = [0, 0, this.height, this.width]) {
    if (!this.mask) return void (this.layer = null)
    const {mask, width, height} = this
    if (this.layer?.width !== width || this.layer.height !== height) this.layer = Object.assign(document.createElement('canvas'), {width, height})
    const colors = new Uint32Array(256), period = Math.max(8, Math.round(Math.max(width, height)/120))
    for (const {value, color: [r, g, b]} of this.state.classes) if (!this.hidden.has(value)) colors[value] = (255<<24 | b<<16 | g<<8 | r) >>> 0
    const between = colors[UNKNOWN] & 0x00ffffff | (colors[UNKNOWN] ? 0x50000000 : 0)
    const w = right-left, rows = Math.max(1, Math.floor(2**20/w)), context = this.layer.getContext('2d')
    for (let y0 = top; y0 < bottom; y0 += rows) {
      const h = Math.min(rows, bottom-y0), pixels = new ImageData(w, h), out = new Uint32Array(pixels.data.buffer)
      for (let y = 0, i = 0; y < h; y++) for (let x = 0, from = (y0+y)*width + left; x < w; x++, i++) {
        const c = mask[from+x]
        out[i] = c === UNKNOWN && (left+x+y0+y) % period >= period/2 ? between : colors[c]
      }
      context.putImageData(pixels, left, y0)
    }
  }

  clip([top, left, bottom, right]) { return [Math.max(top, 0), Math.max(left, 0), Math.min(bottom, this.height), Math.min(right, this.width)] }

  // Paint a shape; the box that may have changed
  paint(shape, change) {
    const box = this.clip(shape.box), [top, left, bottom, right] = box, {mask, width} = this
    for (let y = top; y < bottom; y++) for (let x = left, i = y*width + left; x < right; x++, i++) {
      if (shape.has(x+.5, y+.5)) mask[i] = change[mask[i]]
    }
    this.changed(box)
    return box
  }

  changed(box) {
    if (box[0] >= box[2] || box[1] >= box[3]) return
    this.color(box)
    this.tell('painted')
  }

  // Send the smallest box within `box` that holds all that differs from `before`
  commit(tool, before, box) {
    const {mask, width} = this
    let [top, left, bottom, right] = [Infinity, Infinity, 0, 0]
    for (let y = box[0]; y < box[2]; y++) for (let x = box[1], i = y*width + x; x < box[3]; x++, i++) if (mask[i] !== before[i]) {
      if (y < top) top = y
      if (x < left) left = x
      bottom = y+1
      if (x >= right) right = x+1
    }
    if (!bottom) return
    const w = right-left, h = bottom-top, after = new Uint8Array(w*h)
    for (let y = 0; y < h; y++) after.set(mask.subarray((top+y)*width + left, (top+y)*width + right), y*w)
    this.send('paint', {tool, y: top, x: left, h, w}, after)
  }
}

// ---- The view -------------------------------------------------------------------------------------------------------

const make = (tag, attributes = {}, ...inside) => {
  const e = document.createElement(tag)
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v)
  e.append(...inside)
  return e
}

const EYE = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M1 8s2.6-4.5 7-4.5S15 8 15 8s-2.6 4.5-7 4.5S1 8 1 8z"/><circle cx="8" cy="8" r="2"/></svg>'
const DONE = {accept: 'accepted', reject: 'rejected', skip: 'skipped', '': 'undecided'}
const FILTERS = {all: 'All', undecided: 'Undecided', rejected: 'Rejected', flagged: 'Flagged'}
const TOOLS = {
  look:    ['Look', 'l', 'Drag moves the image'],
  brush:   ['Brush', 'b', 'Paints the class chosen below'],
  eraser:  ['Eraser', 'e', 'Takes the class chosen below away, and no other: rbc and unknown become background, overlap becomes rbc'],
  fill:    ['Fill', 'f', 'Gives the class chosen below to the area that is clicked'],
  ellipse: ['Ellipse', 'o', 'Adds a cell: drag along its long axis, then move to set its width, and click'],
  polygon: ['Polygon', 'p', 'Adds a cell: click its corners; double click or Enter closes it'],
}
const HINTS = {
  ellipse: 'Drag along the long axis of a cell', width: 'Move to set the width, click to add the cell · Esc cancels',
  polygon: 'Click the corners of a cell', corners: 'Enter or double click adds the cell · Backspace takes a corner back · Esc cancels',
}
const TYPING = 'input[type=text], input[type=number]'

// The key that was pressed, as it is written on the buttons
function pressed(e) {
  const digit = !e.getModifierState('AltGraph') && /^Digit(\d)$/.exec(e.code)
  if (digit) return (e.shiftKey ? '⇧' : '') + digit[1]
  const arrow = {ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓'}[e.key]
  return arrow ? (e.shiftKey ? '⇧' : '') + arrow : {'=': '+', Escape: 'Esc'}[e.key] ?? e.key.toLowerCase()
}

function show(picture, el) {
  const over = new AbortController(), {signal} = over, keys = new Map(), parts = {}
  const scale = {fit: 1, now: 1, x: 0, y: 0, ratio: 1} // CSS pixels per image pixel, place of the image's corner, device pixels per CSS pixel
  let tool = 'look', chosen = 1, size = 12, opacity = .4, hidden = false, space = false
  let pointer = null // where it is, in image pixels
  let hand = null    // what is being done with it: {pan} | {tool, before, box, last} | {tool, a, b, side} | {tool, corners}

  // A button with its key; the key presses the button, so both always do the same
  function button(name, key, hint, act, {label = name, repeat = false} = {}) {
    const b = make('button', {type: 'button', 'aria-label': `${hint || name} (key ${key})`, 'aria-keyshortcuts': key.replace('⇧', 'Shift+'),
      title: `${hint || name} (${key})`})
    b.append(label, make('kbd', {}, key.length > 1 ? key : key.toUpperCase()))
    b.addEventListener('click', act)
    keys.set(key, {press: () => b.disabled || b.click(), repeat})
    return b
  }
  const group = (name, ...inside) => make('div', {role: 'group', 'aria-label': name, class: 'rbc-group'}, ...inside)
  const on = (target, what, act, options = {}) => target.addEventListener(what, act, {signal, ...options})

  // -- parts: head, panel, stage, foot

  const command = (what, content) => { if (!picture.locked && !busyHand()) picture.send(what, content) }
  const decide = what => { if (performance.now()-picture.since > 250) command(what) } // a double click must not decide about the next image unseen
  const busyHand = () => hand && !hand.pan
  parts.back = button('Back', '←', 'Previous image', () => command('back'), {repeat: true})
  parts.next = button('Next', '→', 'Next image', () => command('next'), {repeat: true})
  parts.at = make('input', {type: 'number', min: 1, 'aria-label': 'Number of the image (key g)', title: 'Go to an image (g)'})
  parts.n = make('span')
  parts.name = make('b')
  parts.decision = make('span', {class: 'rbc-pill'})
  parts.painted = make('span', {class: 'rbc-pill', hidden: ''}, 'repainted')
  parts.doubt = make('span', {class: 'rbc-doubt'})
  parts.filters = group('Filter (key v)')
  keys.set('g', {press: () => parts.at.select()})
  keys.set('v', {press: () => {
    const all = [...parts.filters.children], next = all.slice(1 + all.findIndex(b => b.ariaPressed === 'true')).concat(all)
    next.find(b => !b.disabled)?.click()
  }})
  parts.bar = make('div', {class: 'rbc-progress', role: 'progressbar', 'aria-label': 'Decided images', 'aria-valuemin': 0},
    ...['accept', 'reject', 'skip'].map(d => make('i', {class: `rbc-${d}`})))
  parts.counts = make('span', {class: 'rbc-counts'})

  parts.tools = Object.fromEntries(Object.entries(TOOLS).map(([t, [name, key, hint]]) => [t, button(name, key, `${name}: ${hint}`, () => take(t), {label: name})]))
  parts.classes = group('Class')
  parts.size = make('input', {type: 'number', min: 1, max: 500, 'aria-label': 'Width of brush and eraser in pixels', title: 'Width of brush and eraser, px'})
  parts.smaller = button('Smaller', '[', 'Smaller brush', () => resize(-1), {label: '−', repeat: true})
  parts.larger = button('Larger', ']', 'Larger brush', () => resize(1), {label: '+', repeat: true})
  parts.opacity = make('input', {type: 'range', min: 0, max: 100, value: 100*opacity, 'aria-label': 'Opacity of the mask (keys , and .)', title: 'Opacity of the mask (, and .)'})
  parts.fainter = button('Fainter', ',', 'Fainter mask', () => fade(-10), {label: '−', repeat: true})
  parts.stronger = button('Stronger', '.', 'Stronger mask', () => fade(10), {label: '+', repeat: true})
  parts.hide = button('Mask', 'h', 'Show or hide the whole mask', () => {
    hidden = !hidden
    update()
    redraw()
  }, {label: eye()})
  parts.out = button('Zoom out', '-', '', () => zoom(1/1.5), {label: '−', repeat: true})
  parts.in = button('Zoom in', '+', '', () => zoom(1.5), {label: '+', repeat: true})
  parts.fit = button('Fit', '0', 'The whole image', () => fit(), {})
  parts.zoom = make('span')
  parts.percent = make('span')

  parts.canvas = make('canvas')
  parts.top = make('canvas', {'aria-label': 'Image and mask'})
  parts.hint = make('div', {class: 'rbc-hint'})
  parts.problem = make('div', {class: 'rbc-problem', role: 'alert'})
  parts.stage = make('div', {class: 'rbc-stage'}, parts.canvas, parts.top, parts.hint, parts.problem)

  parts.accept = button('Accept', 'a', 'Accept the mask', () => decide('accept'), {label: 'Accept'})
  parts.reject = button('Reject', 'r', 'Reject the mask', () => decide('reject'), {label: 'Reject'})
  parts.skip = button('Skip', 's', 'Skip the image', () => decide('skip'), {label: 'Skip'})
  parts.undo = button('Undo', 'u', 'Undo the last stroke or decision', () => command('undo'))
  parts.redo = button('Redo', 'y', 'Redo the stroke', () => command('redo'))
  parts.note = make('input', {type: 'text', placeholder: 'Note (N)', 'aria-label': 'Note on the image (key n)', 'aria-keyshortcuts': 'n', maxlength: 2000})
  keys.set('n', {press: () => parts.note.focus()})
  parts.saved = make('span', {class: 'rbc-saved', role: 'status'})
  parts.error = make('div', {class: 'rbc-error', role: 'alert'})

  const title = (...text) => make('h4', {}, ...text)
  const root = make('div', {class: 'rbc-review', tabindex: 0, role: 'application', 'aria-label': 'Review of masks'},
    make('div', {class: 'rbc-row'}, group('Image', parts.back, parts.next), make('span', {class: 'rbc-place'}, parts.at, parts.n), parts.filters),
    make('div', {class: 'rbc-row rbc-what'}, parts.name, parts.decision, parts.painted, parts.doubt),
    make('div', {class: 'rbc-row rbc-done'}, parts.bar, parts.counts),
    make('div', {class: 'rbc-body'},
      make('div', {class: 'rbc-panel'},
        make('section', {}, title('Tool'), group('Tool', ...Object.values(parts.tools))),
        make('section', {}, title('Class'), parts.classes),
        make('section', {}, title('Brush', make('span', {}, 'px')), make('div', {class: 'rbc-line'}, parts.smaller, parts.size, parts.larger)),
        make('section', {}, title('Mask', parts.percent), make('div', {class: 'rbc-line'}, parts.fainter, parts.stronger, parts.hide), parts.opacity),
        make('section', {}, title('Zoom', parts.zoom), make('div', {class: 'rbc-line'}, parts.out, parts.in, parts.fit))),
      parts.stage),
    parts.error,
    make('div', {class: 'rbc-row'}, group('Decision', parts.accept, parts.reject, parts.skip), group('History', parts.undo, parts.redo), parts.note, parts.saved))
  parts.decide = [parts.accept, parts.reject, parts.skip]
  el.append(root)

  function eye() {
    const e = make('span', {class: 'rbc-eye'})
    e.innerHTML = EYE
    return e
  }

  // -- what the state says

  const press = (b, is) => { b.ariaPressed = String(is) }

  function classButtons(classes) {
    const order = [...classes.filter(c => c.value), ...classes.filter(c => !c.value)]
    parts.classes.replaceChildren(...order.flatMap(({value, name, color}, i) => {
      const swatch = make('i', {class: `rbc-swatch${value === UNKNOWN ? ' rbc-unknown' : ''}`, style: value ? `--rbc-color: rgb(${color})` : ''})
      const pick = button(name, String(i+1), `Class ${name}`, () => choose(value), {label: name})
      pick.prepend(swatch)
      pick.dataset.value = value
      if (!value) return [pick]
      const layer = button(name, `⇧${i+1}`, `Show or hide ${name}`, () => {
        picture.hidden.delete(value) || picture.hidden.add(value)
        picture.color()
        picture.tell('painted')
        picture.tell('state')
      }, {label: eye()})
      layer.dataset.layer = value
      return [pick, layer]
    }))
  }

  function filterButtons(filters, now) {
    if (parts.filters.childElementCount !== filters.length) parts.filters.replaceChildren(...filters.map(({name}) => {
      const b = make('button', {type: 'button', 'data-filter': name})
      b.addEventListener('click', () => command('filter', {filter: name}))
      return b
    }))
    filters.forEach(({name, n}, i) => {
      const b = parts.filters.children[i]
      b.replaceChildren(FILTERS[name] ?? name, make('small', {}, n))
      b.title = b.ariaLabel = `Show ${name} images: ${n} (key v)`
      b.disabled = !n && name !== now
      press(b, name === now)
    })
  }

  function update() {
    const s = picture.state, {waiting} = picture
    if (!s.classes) return
    if (!parts.classes.childElementCount) classButtons(s.classes)
    filterButtons(s.filters, s.filter)
    const strokes = [...waiting.values()].filter(m => m.do === 'paint').length, {counts} = s, shape = picture.mask
    if (document.activeElement !== parts.at) parts.at.value = s.n ? s.at+1 : ''
    parts.at.max = s.n
    parts.n.textContent = `of ${s.n}`
    parts.name.textContent = parts.name.title = s.name
    parts.decision.textContent = DONE[s.decision]
    parts.decision.dataset.decision = s.decision
    parts.painted.hidden = !s.painted && !strokes
    parts.doubt.replaceChildren(...s.doubt == null ? [] : [make('b', {}, `${s.flagged ? 'Flagged, doubt' : 'Doubt'} ${s.doubt.toFixed(2)}`), ` ${s.reason}`])
    parts.doubt.title = parts.doubt.textContent
    parts.doubt.classList.toggle('rbc-flagged', s.flagged)
    const decided = s.total - counts.undecided
    for (const part of parts.bar.children) part.style.width = `${100*counts[part.className.slice(4)]/s.total}%`
    parts.bar.ariaValueMax = s.total
    parts.bar.ariaValueNow = decided
    parts.counts.textContent = `${decided} of ${s.total} decided` + ['accept', 'reject', 'skip'].filter(d => counts[d]).map(d => ` · ${counts[d]} ${DONE[d]}`).join('')
    if (document.activeElement !== parts.note || parts.note.dataset.name !== s.name) {
      if (![...waiting.values()].some(m => m.do === 'note')) parts.note.value = s.note
      parts.note.dataset.name = s.name
    }
    for (const b of [...parts.decide, parts.back, parts.next, parts.note]) b.disabled = !s.n
    for (const [i, d] of ['accept', 'reject', 'skip'].entries()) press(parts.decide[i], s.decision === d)
    parts.undo.disabled = !s.can_undo && !strokes
    parts.redo.disabled = !s.can_redo || strokes > 0
    parts.saved.textContent = waiting.size ? 'saving …' : 'all saved'
    parts.saved.classList.toggle('rbc-busy', waiting.size > 0)
    const late = picture.late && `No answer from the kernel yet: it is busy, or gone. Not saved: ${strokes || 'no'} stroke${strokes === 1 ? '' : 's'}.`
    parts.error.textContent = late || s.error
    parts.problem.textContent = s.problem || picture.problem || (s.n ? '' : 'No image is left under this filter.')
    for (const [t, b] of Object.entries(parts.tools)) {
      b.disabled = !shape && t !== 'look'
      press(b, t === tool)
    }
    for (const b of parts.classes.children) press(b, b.dataset.layer ? !picture.hidden.has(+b.dataset.layer) : +b.dataset.value === chosen)
    press(parts.hide, !hidden)
    if (document.activeElement !== parts.size) parts.size.value = size
    parts.zoom.textContent = `${Math.round(100*scale.now)} %`
    parts.percent.textContent = hidden ? 'hidden' : `${Math.round(100*opacity)} %`
    const doing = hand?.side ? 'width' : hand?.corners ? 'corners' : tool
    parts.hint.textContent = HINTS[doing] ?? ''
    parts.top.className = space || tool === 'look' || hand?.pan ? 'rbc-grab' : 'rbc-cross'
    root.toggleAttribute('data-busy', waiting.size > 0 || picture.loading)
  }

  // -- tools

  function take(t) {
    cancel()
    tool = t
    update()
    redraw()
  }

  function choose(c) {
    chosen = c
    update()
    redraw()
  }

  function resize(direction, to = size + direction*Math.max(1, Math.round(size/8))) {
    size = Math.min(500, Math.max(1, Math.round(to) || size))
    update()
    redraw()
  }

  function fade(by) {
    parts.opacity.value = Math.round(100*opacity) + by
    opacity = parts.opacity.value/100
    update()
    redraw()
  }

  // A brush of odd width is centred on a pixel, one of even width on a corner, so that it always has the same shape
  const snap = p => size%2 ? {x: Math.floor(p.x)+.5, y: Math.floor(p.y)+.5} : {x: Math.round(p.x), y: Math.round(p.y)}

  function extend(p) {
    const to = snap(p), [top, left, bottom, right] = picture.paint(stroke(hand.last, to, size/2), hand.change)
    hand.last = to
    if (top < bottom && left < right) hand.box = [Math.min(top, hand.box[0]), Math.min(left, hand.box[1]), Math.max(bottom, hand.box[2]), Math.max(right, hand.box[3])]
  }

  function begin(p) {
    if (!picture.mask || picture.locked) return
    if (tool === 'brush' || tool === 'eraser') {
      hand = {tool, before: picture.mask.slice(), box: [Infinity, Infinity, 0, 0], last: snap(p), change: (tool === 'brush' ? brush : eraser)(chosen)}
      extend(p)
    } else if (tool === 'fill') {
      const x = Math.floor(p.x), y = Math.floor(p.y), {width, height} = picture
      if (x < 0 || y < 0 || x >= width || y >= height) return
      const before = picture.mask.slice(), all = [0, 0, height, width]
      flood(picture.mask, width, height, x, y, chosen)
      picture.changed(all)
      picture.commit(tool, before, all)
    } else if (tool === 'ellipse') hand?.side ? addEllipse() : hand = {tool, a: p, b: p}
    else if (tool === 'polygon') corner(p)
  }

  function addCell(shape) {
    const before = picture.mask.slice(), done = hand.tool
    hand = null
    if (picture.locked) return
    picture.commit(done, before, picture.paint(shape, CELL))
  }

  function addEllipse() {
    const e = axes(hand.a, hand.b, hand.side)
    if (e.wide >= .5) addCell(ellipse(e))
  }

  const near = (a, b, px) => Math.hypot(a.x-b.x, a.y-b.y)*scale.now < px

  function corner(p) {
    hand ??= {tool, corners: []}
    if (hand.corners.length > 2 && near(p, hand.corners[0], 8)) return close()
    if (!hand.corners.length || !near(p, hand.corners.at(-1), 3)) hand.corners.push(p)
  }

  function close() { if (hand?.corners?.length > 2) addCell(polygon(hand.corners)) }

  function finish() {
    if (hand?.pan) hand = null
    else if (hand?.before) {
      const {before, box} = hand
      if (picture.loading) return cancel()
      hand = null
      picture.commit(tool, before, box)
    } else if (hand?.a && !hand.side) {
      if (near(hand.a, hand.b, 4)) hand = null
      else hand.side = pointer
    }
  }

  // Forget what is in hand; a stroke that was begun is taken off again
  function cancel() {
    const {before, box} = hand ?? {}
    hand = null
    if (!before || before.length !== picture.mask?.length || box[2] <= box[0]) return
    picture.mask.set(before)
    picture.changed(box)
  }

  // -- drawing

  let due = 0
  const redraw = () => { due ||= requestAnimationFrame(draw) }

  function draw() {
    due = 0
    const {canvas, top} = parts, {now, ratio, x, y} = scale, context = canvas.getContext('2d')
    if (!canvas.width) return
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.clearRect(0, 0, canvas.width, canvas.height)
    const to = c => c.setTransform(now*ratio, 0, 0, now*ratio, Math.round(x*ratio), Math.round(y*ratio))
    to(context)
    context.imageSmoothingEnabled = now*ratio < 1.5
    context.imageSmoothingQuality = 'medium'
    if (picture.bitmap) context.drawImage(picture.bitmap, 0, 0)
    context.globalAlpha = hidden ? 0 : opacity
    if (picture.layer) context.drawImage(picture.layer, 0, 0)
    context.globalAlpha = 1
    const lines = top.getContext('2d')
    lines.setTransform(1, 0, 0, 1, 0, 0)
    lines.clearRect(0, 0, top.width, top.height)
    to(lines)
    outline(lines)
    Object.assign(root.dataset, {shown: picture.shown, view: JSON.stringify([now, x, y])})
  }

  // The brush, or the cell that is being drawn: black and white, to be seen on everything
  function outline(c) {
    c.beginPath()
    if ((tool === 'brush' || tool === 'eraser') && pointer && !space && !hand?.pan && picture.mask) {
      const p = snap(pointer)
      c.arc(p.x, p.y, size/2, 0, 7)
    } else if (hand?.a) {
      const e = axes(hand.a, hand.b, hand.side ?? hand.a)
      c.moveTo(hand.a.x, hand.a.y)
      c.lineTo(hand.b.x, hand.b.y)
      if (hand.side) {
        const angle = Math.atan2(e.uy, e.ux)
        c.moveTo(hand.b.x, hand.b.y)
        c.ellipse(e.x, e.y, e.long, e.wide, angle, 0, 2*Math.PI)
      }
    } else if (hand?.corners) {
      for (const p of [...hand.corners, pointer ?? hand.corners[0]]) c.lineTo(p.x, p.y)
      if (hand.corners.length > 1) c.closePath()
    }
    const px = 1/(scale.now)
    for (const [width, color] of [[3, 'rgba(0,0,0,.7)'], [1.25, 'white']]) {
      c.lineWidth = width*px
      c.strokeStyle = color
      c.stroke()
    }
  }

  // -- zoom and pan

  function measure() {
    const ratio = window.devicePixelRatio || 1, {clientWidth: w, clientHeight: h} = parts.stage
    if (!w || !h) return
    const fitted = scale.now === scale.fit, width = Math.round(w*ratio), height = Math.round(h*ratio)
    for (const c of [parts.canvas, parts.top]) if (c.width !== width || c.height !== height) Object.assign(c, {width, height})
    scale.ratio = ratio
    scale.fit = picture.width ? Math.min(w/picture.width, h/picture.height) : 1
    if (fitted) scale.now = scale.fit
    place()
  }

  // Where the image is smaller than the stage it is in the middle, elsewhere it leaves no gap
  function place() {
    const {clientWidth: w, clientHeight: h} = parts.stage, keep = (at, room, length) => room >= length ? (room-length)/2 : Math.min(0, Math.max(room-length, at))
    scale.x = keep(scale.x, w, picture.width*scale.now)
    scale.y = keep(scale.y, h, picture.height*scale.now)
    update()
    redraw()
  }

  function zoom(by, x = parts.stage.clientWidth/2, y = parts.stage.clientHeight/2) {
    const to = Math.max(scale.fit, Math.min(40, scale.now*by)), grow = to/scale.now
    Object.assign(scale, {now: to, x: x - (x-scale.x)*grow, y: y - (y-scale.y)*grow})
    place()
  }

  function fit() {
    scale.now = scale.fit
    place()
  }

  function pan(dx, dy) {
    scale.x += dx
    scale.y += dy
    place()
  }
  for (const [key, dx, dy] of [['←', 80, 0], ['→', -80, 0], ['↑', 0, 80], ['↓', 0, -80]]) keys.set(`⇧${key}`, {press: () => pan(dx, dy), repeat: true})

  // -- pointer

  const {top} = parts
  const within = e => {
    const r = top.getBoundingClientRect()
    return {x: e.clientX-r.left, y: e.clientY-r.top}
  }
  const spot = e => {
    const {x, y} = within(e)
    return {x: (x-scale.x)/scale.now, y: (y-scale.y)/scale.now}
  }
  const settle = () => {
    update()
    redraw()
  }
  on(top, 'pointerdown', e => {
    pointer = spot(e)
    if (hand?.before || hand?.pan || hand?.a && !hand.side) return
    if (e.button === 1 || e.button === 0 && (space || tool === 'look')) hand = {pan: e, held: hand}
    else if (e.button === 0) begin(pointer)
    if (hand) top.setPointerCapture(e.pointerId)
    settle()
  })
  on(top, 'pointermove', e => {
    pointer = spot(e)
    if (hand?.pan) {
      pan(e.clientX-hand.pan.clientX, e.clientY-hand.pan.clientY)
      hand.pan = e
    } else if (hand?.before) {
      const path = e.getCoalescedEvents?.() ?? []
      for (const p of path.length ? path : [e]) extend(spot(p))
    } else if (hand?.a) hand[hand.side ? 'side' : 'b'] = pointer
    redraw()
  })
  on(top, 'pointerup', e => {
    const held = hand?.pan && hand.held
    finish()
    if (held) hand = held
    settle()
  })
  on(top, 'pointercancel', () => {
    cancel()
    settle()
  })
  on(top, 'pointerleave', () => {
    pointer = null
    redraw()
  })
  on(top, 'dblclick', () => {
    close()
    settle()
  })
  on(top, 'wheel', e => {
    e.preventDefault()
    const {x, y} = within(e)
    zoom(Math.exp(-e.deltaY*(e.deltaMode ? 20 : 1)*.002), x, y)
  }, {passive: false})

  // -- focus and keys: JupyterLab listens on the document, so what is ours has to be caught before, at the window

  on(root, 'mousedown', e => {
    if (e.target.closest('input')) return
    e.preventDefault()
    root.focus({preventScroll: true})
  })
  on(root, 'click', e => { if (!root.contains(document.activeElement)) root.focus({preventScroll: true}) })
  on(window, 'keyup', e => {
    if (e.key !== ' ' || !space) return
    space = false
    settle()
  })
  on(window, 'keydown', e => {
    if (!root.contains(e.target)) return
    const typing = e.target.matches(TYPING), graph = e.getModifierState('AltGraph')
    const ctrl = (e.ctrlKey || e.metaKey) && !graph
    if (ctrl && !typing && /^[zy]$/i.test(e.key)) {
      e.preventDefault()
      e.stopImmediatePropagation()
      return keys.get(e.key.toLowerCase() === 'z' && !e.shiftKey ? 'u' : 'y').press()
    }
    if (ctrl || e.altKey && !graph || e.key === 'Tab') return
    e.stopImmediatePropagation()
    if (typing) return typed(e)
    if (/^(Enter| )$/.test(e.key) && e.target.matches('button')) return // as the browser has it
    if (e.target.matches('input') && /^(Arrow|Home|End|Page)/.test(e.key)) return
    const key = pressed(e), known = keys.get(key)
    if (!known && key.length > 1 && !/^(Esc|enter|backspace)$/.test(key)) return
    e.preventDefault()
    if (key === ' ') {
      space = true
      return settle()
    }
    if (!e.repeat || known?.repeat) known?.press()
  }, {capture: true})
  on(root, 'focusout', e => {
    if (root.contains(e.relatedTarget) || !space) return
    space = false
    settle()
  })
  keys.set('Esc', {press: () => {
    if (hand) cancel()
    else tool = 'look'
    settle()
  }})
  keys.set('enter', {press: () => {
    close()
    settle()
  }})
  keys.set('backspace', {press: () => {
    if (!hand?.corners) return
    hand.corners.pop()
    if (!hand.corners.length) hand = null
    settle()
  }})

  // Enter takes what was typed, Escape takes it back; both return to the image
  function typed(e) {
    if (e.key !== 'Enter' && e.key !== 'Escape') return
    e.preventDefault()
    if (e.key === 'Escape') e.target.value = e.target === parts.note ? picture.state.note : e.target === parts.size ? size : picture.state.at+1
    root.focus({preventScroll: true})
  }
  on(parts.note, 'blur', () => {
    const {note, name} = picture.state
    if (parts.note.value !== note && parts.note.dataset.name === name) picture.send('note', {text: parts.note.value})
  })
  on(parts.at, 'change', () => {
    const at = Math.min(picture.state.n, Math.max(1, Math.round(+parts.at.value) || 1)) - 1
    if (at !== picture.state.at) command('go', {at})
    update()
  })
  on(parts.size, 'change', () => resize(0, +parts.size.value))
  on(parts.opacity, 'input', () => fade(100*(parts.opacity.value/100 - opacity)))

  on(picture, 'state', () => {
    update()
    redraw()
  })
  on(picture, 'painted', redraw)
  on(picture, 'picture', e => {
    hand = null
    measure()
    if (e.detail) fit()
  })
  const resized = new ResizeObserver(measure)
  resized.observe(parts.stage)
  measure()
  return () => {
    over.abort()
    resized.disconnect()
    root.remove()
  }
}

export default () => {
  let picture
  return {
    initialize({model}) { picture = new Picture(model) },
    render({el}) { return show(picture, el) },
  }
}
