/** Text of a channel and the bytes that it stands for: from `offset` to before `end`. */
export interface TextPart {
  offset: number;
  end: number;
  text: string;
}

/** Turns the bytes of a channel into text that never begins or ends in the middle of a character. */
export class WholeCharacters {
  #held: Buffer = Buffer.alloc(0);
  /** Of the first byte that was not given out as text. */
  #offset: number;

  constructor(offset: number) {
    this.#offset = offset;
  }

  /** Where a reader goes on who has all text that was given out. */
  get offset(): number {
    return this.#offset;
  }

  /** Takes bytes; gives the text that is whole now, in one part or, after a gap in the offsets, in two. */
  push(offset: number, bytes: Buffer): TextPart[] {
    const left = offset === this.#offset + this.#held.length ? [] : this.flush();
    if (this.#held.length === 0) this.#offset = offset;
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const whole = all.length - incompleteTail(all);
    // A copy: a view would keep the whole piece in memory for three bytes.
    this.#held = Buffer.from(all.subarray(whole));
    return [...left, ...this.#give(all.subarray(0, whole))];
  }

  /** What is left, half a character or nothing: nothing will complete it. */
  flush(): TextPart[] {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    return this.#give(held);
  }

  #give(bytes: Buffer): TextPart[] {
    if (bytes.length === 0) return [];
    const offset = this.#offset;
    this.#offset += bytes.length;
    return [{ offset, end: this.#offset, text: bytes.toString('utf8') }];
  }
}

/** How many bytes at the end begin a character of UTF-8 that is not there whole: 0 to 3. */
function incompleteTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
