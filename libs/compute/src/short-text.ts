/** What a program in a rental wrote for people to read: one line, of a length that fits a message. */
export function shortText(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim().slice(0, 1_000);
}
