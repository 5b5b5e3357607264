import { Problem } from '@kgpu/contracts';

/** What the disk or the index says, as the problem it is for the caller; any other error stays as it is. */
export async function asDiskProblem<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const code = codeOf(error);
    if (code === null) throw error;
    const detail = code === 'ENOSPC' || code === 'EDQUOT' ? 'The disk of the object store is full' : 'The folder of the object store cannot be used';
    throw new Problem('object_store_unavailable', detail, { retry_after_seconds: 5 }, { cause: error });
  }
}

/** An error of a system call or of SQLite; null for any other. */
function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  const isDisks = 'syscall' in error || 'errcode' in error;
  return isDisks && typeof error.code === 'string' ? error.code : null;
}
