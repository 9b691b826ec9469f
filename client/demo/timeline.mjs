// One device's view of one dialog: drops what it has, orders by position, shows nothing before its sender's chain
// is unbroken (chat-semantics 3.5). It never inserts before what the same sender already shows.
export class Timeline {
  // onShow(entry) runs once an entry, when it may be displayed. pull(from, to) fetches a gap.
  constructor({ onShow = () => {}, pull }) {
    this.entries = new Map();  // position -> entry
    this.cursor = 0;           // every position up to here is known, or outside the member's window
    this.shown = new Set();
    this.waiting = new Map();  // position awaited -> entries that wait for it
    this.onShow = onShow;
    this.pull = pull;
    this.floor = 0;            // positions up to here are not ours to see
  }

  get head() { return Math.max(this.cursor, ...this.entries.keys()); }

  // True when the entry was new.
  add(entry) {
    if (entry.seq <= this.floor || this.entries.has(entry.seq)) return false;
    this.entries.set(entry.seq, entry);
    while (this.entries.has(this.cursor + 1)) this.cursor++;
    this.#show(entry);
    return true;
  }

  // The member's window opens here: earlier positions will never come.
  raiseFloor(seq) {
    if (seq <= this.cursor) return;
    this.floor = seq;
    this.cursor = seq;
    while (this.entries.has(this.cursor + 1)) this.cursor++;
    for (const [awaited, list] of [...this.waiting]) if (awaited <= seq) { this.waiting.delete(awaited); list.forEach((e) => this.#show(e)); }
  }

  #show(entry) {
    const previous = entry.uprev ?? 0;
    if (previous > this.floor && !this.shown.has(previous)) {
      if (!this.waiting.has(previous)) this.waiting.set(previous, []);
      this.waiting.get(previous).push(entry);
      return;
    }
    this.shown.add(entry.seq);
    this.onShow(entry);
    const next = this.waiting.get(entry.seq);
    this.waiting.delete(entry.seq);
    next?.forEach((e) => this.#show(e));
  }

  // Positions missing below `to`, as [from, to] ranges.
  gaps(to) {
    const ranges = [];
    let start = 0;
    for (let seq = this.cursor + 1; seq <= to + 1; seq++) {
      const missing = seq <= to && !this.entries.has(seq);
      if (missing && start === 0) start = seq;
      if (!missing && start !== 0) { ranges.push([start, seq - 1]); start = 0; }
    }
    return ranges;
  }

  list() { return [...this.entries.values()].sort((a, b) => a.seq - b.seq); }
}
