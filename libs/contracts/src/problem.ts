/**
 * Everything that can go wrong for a caller: the closed list of codes, each with its HTTP status and title, and the
 * one error class that carries them through services, the bus and HTTP (RFC 9457).
 */
export const problemCodes = {
  invalid_request: [422, 'The request is not valid'],
  invalid_json: [400, 'The body is not JSON'],
  invalid_xml: [400, 'The body is not XML that the method takes'],
  invalid_header: [400, 'A header of the request is not valid'],
  invalid_path: [400, 'The path is not valid'],
  unauthenticated: [401, 'A valid token is needed'],
  insufficient_credits: [402, 'The balance does not cover one hour'],
  not_approved: [403, 'The account waits for approval'],
  forbidden: [403, 'This token may not do that'],
  admin_required: [403, 'Only an admin may do that'],
  role_required: [403, 'Your role in the org does not allow that'],
  process_driver_single_user: [403, 'This server runs rentals without isolation, for its first user only'],
  route_not_found: [404, 'There is no such route'],
  gpu_not_found: [404, 'There is no such GPU rental'],
  run_not_found: [404, 'There is no such run'],
  user_not_found: [404, 'There is no such user'],
  token_not_found: [404, 'There is no such token'],
  account_not_found: [404, 'There is no such account'],
  org_not_found: [404, 'There is no such org'],
  member_not_found: [404, 'There is no such member'],
  file_not_found: [404, 'There is no such file'],
  upload_not_found: [404, 'There is no such upload'],
  reconciliation_not_found: [404, 'There is no such reconciliation'],
  replay_not_found: [404, 'There is no such replay'],
  method_not_allowed: [405, 'The route does not take this method'],
  file_exists: [405, 'Something has this name already'],
  not_acceptable: [406, 'No representation fits the Accept header'],
  request_timeout: [408, 'The request came too slowly'],
  gpu_not_ready: [409, 'The GPU is not ready'],
  idempotency_key_reused: [409, 'The idempotency key was used for another request'],
  request_in_progress: [409, 'The same request is still being answered'],
  balance_too_low: [409, 'The balance would fall below zero'],
  email_taken: [409, 'A user with this e-mail exists'],
  org_exists: [409, 'An org with this slug exists'],
  last_admin: [409, 'The last admin cannot be removed'],
  conflict: [409, 'Somebody else changed it at the same time'],
  precondition_failed: [412, 'A precondition of the request does not hold'],
  payload_too_large: [413, 'The body is too large'],
  quota_exceeded: [413, 'The quota of the drive is exceeded'],
  unsupported_media_type: [415, 'The content type is not supported'],
  range_not_satisfiable: [416, 'The range lies outside of the content'],
  locked: [423, 'The resource is locked'],
  rate_limited: [429, 'Too many requests'],
  headers_too_large: [431, 'The request headers are too large'],
  internal_error: [500, 'A defect in kgpu'],
  bad_destination: [502, 'The destination lies on another server or drive'],
  bad_reply: [502, 'A part of kgpu gave an answer that makes no sense'],
  no_capacity: [503, 'No GPU is free'],
  service_unavailable: [503, 'A part of kgpu is not running'],
  object_store_unavailable: [503, 'The object store is not available'],
  service_timeout: [504, 'A part of kgpu did not answer in time'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof problemCodes;

/** Where a validation failed: a JSON pointer into body, or `/query/x`, `/params/x`, and why. */
export interface FieldError {
  pointer: string;
  message: string;
}

/** Fields of the case that go beside `code` into the reply: `balance`, `required`, `errors` … Never a secret. */
export type ProblemFields = Record<string, unknown> & { errors?: FieldError[]; retry_after_seconds?: number };

/** The body of an `application/problem+json` reply. */
export type ProblemJson = { type: string; title: string; status: number; code: ProblemCode; detail: string } & ProblemFields;

/** A refusal or failure that the caller is told. `detail` is a sentence for people; clients switch on `code`. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly fields: ProblemFields;

  constructor(code: ProblemCode, detail?: string, fields: ProblemFields = {}, options?: ErrorOptions) {
    super(detail ?? problemCodes[code][1], options);
    this.code = code;
    this.fields = fields;
  }

  get status(): number {
    return problemCodes[this.code][0];
  }

  toJSON(): ProblemJson {
    return {
      type: `urn:kgpu:problem:${this.code}`,
      title: problemCodes[this.code][1],
      status: this.status,
      code: this.code,
      detail: this.message,
      ...this.fields,
    };
  }

  /** The problem that a peer sent as JSON; null when the value is not one. */
  static fromJSON(value: unknown): Problem | null {
    if (typeof value !== 'object' || value === null || !('code' in value) || !('detail' in value)) return null;
    const { code, detail, type: _type, title: _title, status: _status, ...fields } = value as ProblemJson;
    return code in problemCodes ? new Problem(code, detail, fields) : null;
  }
}
