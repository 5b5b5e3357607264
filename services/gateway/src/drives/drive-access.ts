/** Which drive and path a request means, and what its caller may do there. */
import { driveOfOrg, driveOfUser, parseDrivePath, Problem, type DriveId } from '@kgpu/contracts';
import { userOf, type Caller } from '../identity/caller.ts';
import type { Membership, Orgs } from './orgs.projection.ts';

/** A file or folder of a drive, there or not. */
export interface DrivePlace {
  kind: 'drive';
  drive: DriveId;
  path: string;
  /** It was written with a slash at its end, or is the drive itself. */
  isFolder: boolean;
  /** Who asks. */
  by: number;
  /** Why they may not write here; null when they may. */
  refusal: Problem | null;
}

/** The folder that shows the caller's orgs; nothing can be written into it. */
export interface OrgsPlace {
  kind: 'orgs';
  orgs: Membership[];
}

export type Place = DrivePlace | OrgsPlace;

/** The folder of one's own drive under which the orgs' drives can be read, too. */
export const SHARED_FOLDER = 'shared';

export class DriveAccess {
  constructor(private readonly orgs: Orgs) {}

  /**
   * A path of `/v1/files/`, as it was sent. Below `shared/` lie the orgs' drives, read-only.
   * @throws Problem `invalid_path`, `org_not_found`
   */
  inFiles(caller: Caller, raw: string): Place {
    const by = userOf(caller);
    const drive = driveOfUser(by);
    const parsed = parseDrivePath(drive, raw);
    const [first, slug] = parsed.path.split('/');
    if (first !== SHARED_FOLDER) return { kind: 'drive', drive, ...parsed, by, refusal: null };
    if (slug === undefined) return this.sharedDrives(caller);
    const place = this.inShared(caller, slug, raw.split('/').slice(2).join('/'));
    return { ...place, refusal: new Problem('forbidden', `Shared drives are read-only here; write to /v1/shared/${slug}/.`) };
  }

  /** A path of `/v1/shared/{slug}/`. @throws Problem `org_not_found` for anybody but members, `invalid_path` */
  inShared(caller: Caller, slug: string, raw: string): DrivePlace {
    const by = userOf(caller);
    const role = this.orgs.roleIn(slug, by);
    if (role === null) throw new Problem('org_not_found');
    const drive = driveOfOrg(slug);
    const refusal = role === 'member' ? new Problem('role_required', undefined, { required_role: 'uploader' }) : null;
    return { kind: 'drive', drive, ...parseDrivePath(drive, raw), by, refusal };
  }

  sharedDrives(caller: Caller): OrgsPlace {
    return { kind: 'orgs', orgs: this.orgs.of(userOf(caller)) };
  }
}

/** @throws Problem `forbidden`, `role_required` */
export function writable(place: Place): DrivePlace {
  if (place.kind === 'orgs') throw new Problem('forbidden', 'Orgs are made by admins; write to one of them under /v1/shared/.');
  if (place.refusal !== null) throw place.refusal;
  return place;
}
