/** The earliest first: one entry for each key, which moves when its deadline does. All steps are O(log n); nothing is left behind. */
export class DeadlineHeap<K> {
  readonly #keys: K[] = [];
  readonly #times: number[] = [];
  readonly #places = new Map<K, number>();

  get size(): number {
    return this.#keys.length;
  }

  /** The earliest deadline; null when there is none. */
  first(): { key: K; at: number } | null {
    return this.#keys.length === 0 ? null : { key: this.#keys[0]!, at: this.#times[0]! };
  }

  /** Adds the key or moves it. An infinite deadline is none. */
  set(key: K, at: number): void {
    if (at === Infinity) {
      this.delete(key);
      return;
    }
    const place = this.#places.get(key) ?? this.#keys.length;
    this.#put(place, key, at);
    this.#settle(place);
  }

  delete(key: K): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    const lastKey = this.#keys.pop()!;
    const lastAt = this.#times.pop()!;
    if (place === this.#keys.length) return;
    this.#put(place, lastKey, lastAt);
    this.#settle(place);
  }

  #settle(place: number): void {
    this.#sink(this.#rise(place));
  }

  #rise(from: number): number {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#times[parent]! <= this.#times[place]!) break;
      this.#swap(parent, place);
      place = parent;
    }
    return place;
  }

  #sink(from: number): void {
    for (let place = from; ;) {
      const left = 2 * place + 1;
      if (left >= this.#keys.length) return;
      const child = left + 1 < this.#keys.length && this.#times[left + 1]! < this.#times[left]! ? left + 1 : left;
      if (this.#times[place]! <= this.#times[child]!) return;
      this.#swap(place, child);
      place = child;
    }
  }

  #swap(a: number, b: number): void {
    const [keyA, timeA] = [this.#keys[a]!, this.#times[a]!];
    this.#put(a, this.#keys[b]!, this.#times[b]!);
    this.#put(b, keyA, timeA);
  }

  #put(place: number, key: K, at: number): void {
    this.#keys[place] = key;
    this.#times[place] = at;
    this.#places.set(key, place);
  }
}
