import { GetObjectCommand, PutObjectCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { checkKey } from './object-key.ts';
import { S3ObjectStore } from './s3-object-store.ts';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const endpoint = 'https://files.example.org:8443';
const Bucket = 'lab';
const store = new S3ObjectStore({ endpoint: 'http://internal:8333', publicEndpoint: endpoint, region: 'auto', bucket: Bucket, ...credentials });
const sdk = new S3Client({ endpoint, region: 'auto', credentials, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' });

const character = fc.oneof(fc.constantFrom(...Array.from(' +%#?&=;:@$,!\'()*~/"<>[]{}|^`.-_é世'), '\u{1f600}', 'e\u0301', '%2F', '%'), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }));
const keys = fc.array(character, { minLength: 1, maxLength: 40 }).map((parts) => parts.join('')).filter(isKey);
const times = fc.record({ expiresSeconds: fc.integer({ min: 1, max: 604_800 }), now: fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }).map((date) => date.getTime()) });
const headerText = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 }).filter((text) => /^\S+( \S+)*$/.test(text));
const sizes = fc.integer({ min: 0, max: 5 * 1024 ** 3 });

function isKey(key: string): boolean {
  try {
    checkKey(key);
    return true;
  } catch {
    return false;
  }
}

/** The order of parameters is of no account: the signature is over the sorted ones. */
function parsed(url: string): object {
  const { origin, pathname, searchParams } = new URL(url);
  return { origin, pathname, query: Object.fromEntries(searchParams) };
}

/** The SDK adds a content type of its own when none is given; it is not signed then. */
function options({ expiresSeconds, now }: { expiresSeconds: number; now: number }, contentType?: string): Parameters<typeof getSignedUrl>[2] {
  const signableHeaders = new Set(['host', 'content-length', 'if-none-match', ...(contentType === undefined ? [] : ['content-type'])]);
  return { expiresIn: expiresSeconds, signingDate: new Date(now), signableHeaders };
}

describe('a presigned URL', () => {
  it('for GET is the one that the SDK makes', async () => {
    await fc.assert(fc.asyncProperty(keys, times, fc.option(headerText, { nil: undefined }), async (key, time, contentDisposition) => {
      const command = new GetObjectCommand({ Bucket, Key: key, ResponseContentDisposition: contentDisposition });
      expect(parsed(store.presignGet(key, { ...time, contentDisposition }))).toEqual(parsed(await getSignedUrl(sdk, command, options(time))));
    }), { numRuns: 300 });
  });

  it('for PUT is the one that the SDK makes', async () => {
    await fc.assert(fc.asyncProperty(keys, times, sizes, fc.option(headerText, { nil: undefined }), fc.boolean(), async (key, time, size, contentType, createOnly) => {
      const command = new PutObjectCommand({ Bucket, Key: key, ContentLength: size, ContentType: contentType, ...(createOnly && { IfNoneMatch: '*' }) });
      expect(parsed(store.presignPut(key, { ...time, size, contentType, createOnly }).url)).toEqual(parsed(await getSignedUrl(sdk, command, options(time, contentType))));
    }), { numRuns: 300 });
  });

  it('for a part is the one that the SDK makes', async () => {
    await fc.assert(fc.asyncProperty(keys, times, sizes, fc.integer({ min: 1, max: 10_000 }), fc.base64String({ minLength: 1 }), async (key, time, size, part, id) => {
      const command = new UploadPartCommand({ Bucket, Key: key, ContentLength: size, PartNumber: part, UploadId: id });
      expect(parsed(store.uploads.presignPart({ key, upload_id: id }, part, { ...time, size }).url)).toEqual(parsed(await getSignedUrl(sdk, command, options(time))));
    }), { numRuns: 100 });
  });
});
