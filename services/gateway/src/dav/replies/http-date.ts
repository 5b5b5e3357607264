let day = '';
let dayText = '';

/** RFC 3339 in UTC as HTTP writes it. Listings are full of times of the same day, and `Date` is slow. */
export function httpDate(instant: string): string {
  const date = instant.slice(0, 10);
  if (date !== day) {
    dayText = new Date(`${date}T00:00:00Z`).toUTCString().slice(0, 17);
    day = date;
  }
  return `${dayText}${instant.slice(11, 19)} GMT`;
}
