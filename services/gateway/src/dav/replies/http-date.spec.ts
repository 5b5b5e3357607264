import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { httpDate } from './http-date.ts';

describe('the date of HTTP', () => {
  it('is what Date makes of the instant, with or without fractions of a second', () => {
    const dates = fc.date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true });
    fc.assert(fc.property(dates, (date) => {
      expect(httpDate(date.toISOString())).toBe(date.toUTCString());
      expect(httpDate(`${date.toISOString().slice(0, 19)}Z`)).toBe(date.toUTCString());
    }));
  });
});
