import { z } from 'zod';
import { instant, userId } from '../shapes.ts';

export const role = z.enum(['user', 'admin']);
export type Role = z.infer<typeof role>;
export const userStatus = z.enum(['pending', 'active', 'suspended']);
export type UserStatus = z.infer<typeof userStatus>;

/** Stream `directory`: one stream for all people, so that ids rise by one and an e-mail belongs to one user only. */
export const directoryEvents = {
  UserRegistered: z.object({ user_id: userId, email: z.string(), name: z.string(), role, status: userStatus, at: instant }),
  UserRoleChanged: z.object({ user_id: userId, role, at: instant }),
  UserStatusChanged: z.object({ user_id: userId, status: userStatus, at: instant }),
};

/** Streams `tokens-<user_id>`: a user's own tokens, as hashes. */
export const tokenEvents = {
  TokenIssued: z.object({ token_id: z.string(), user_id: userId, token_hash: z.string(), note: z.string().nullable(), at: instant }),
  TokenRevoked: z.object({ token_id: z.string(), user_id: userId, at: instant }),
};

/** Streams `request-<hash of user and key>`: what an Idempotency-Key was used for and what was answered; kept for 24 h. */
export const requestEvents = {
  RequestAccepted: z.object({ user_id: z.int(), route: z.string(), request_hash: z.string(), command_id: z.string(), at: instant }),
  RequestAnswered: z.object({ status: z.int(), headers: z.record(z.string(), z.string()), body: z.unknown(), at: instant }),
};
