/** What clients can't do, by the name that they give themselves. All of it was measured. */

/** They don't follow a redirect that has a body, or only when they can send it twice. */
const cannotFollowPut = /^(rclone|WebDAVFS|Microsoft-WebDAV-MiniRedir|gvfs|python-httpx|undici|node\b|Go-http-client)|\b(neon|litmus|cadaver|davfs2)\//i;
/** They save the redirect as the file. */
const cannotFollowGet = /^(WebDAVFS|Microsoft-WebDAV-MiniRedir)|\b(neon|litmus|cadaver|davfs2)\//i;

export function followsPut(userAgent: string | undefined): boolean {
  return !cannotFollowPut.test(userAgent ?? '');
}

export function followsGet(userAgent: string | undefined): boolean {
  return !cannotFollowGet.test(userAgent ?? '');
}

/** It deletes the target about a second after any upload that failed, and with it the version before. */
export function deletesAfterFailure(userAgent: string | undefined): boolean {
  return userAgent?.startsWith('rclone/') === true;
}

/** It takes no type from a HEAD that it couldn't guess from the name. */
export function needsNoType(userAgent: string | undefined): boolean {
  return userAgent?.startsWith('rclone/') === true;
}
