/** What the files service answers about orgs and their members. */
import { CreateOrg, ListMembers, ListOrgs, RemoveMember, SetMember, type Asked, type MessageMeta, type Org, type ReplyOf } from '@kgpu/contracts';
import { Answers } from '@kgpu/runtime';
import { Controller, Inject } from '@nestjs/common';
import { FILES_PARTS, type FilesParts } from '../files-parts.ts';
import { orgFor, type OpenOrg } from './org.ts';

@Controller()
export class OrgController {
  constructor(@Inject(FILES_PARTS) private readonly parts: FilesParts) {}

  @Answers(CreateOrg)
  async create({ command_id, slug, name, owner_user_id }: Asked<typeof CreateOrg>, meta: MessageMeta): Promise<ReplyOf<typeof CreateOrg>> {
    const { org, position } = await this.parts.orgs.record(slug, { type: 'Create', slug, name, ownerUserId: owner_user_id }, { commitId: command_id, requestId: meta.request_id });
    return { org: viewOrg(org), position };
  }

  @Answers(ListOrgs)
  async list({ limit, cursor }: Asked<typeof ListOrgs>, meta: MessageMeta): Promise<ReplyOf<typeof ListOrgs>> {
    await this.parts.projection.reached(meta.min_position);
    const found = this.parts.directory.list(cursor, limit + 1);
    const orgs = found.slice(0, limit).map(viewOrg);
    return { orgs, next_cursor: found.length > limit ? orgs.at(-1)!.slug : null };
  }

  @Answers(SetMember)
  async setMember({ command_id, slug, user_id, role, by }: Asked<typeof SetMember>, meta: MessageMeta): Promise<ReplyOf<typeof SetMember>> {
    const { org, position } = await this.parts.orgs.record(slug, { type: 'SetMember', userId: user_id, role, by }, { commitId: command_id, requestId: meta.request_id });
    // A repeat may find that they are gone again.
    return { member: { user_id, role, since: org.members.get(user_id)?.since ?? org.createdAt }, position };
  }

  @Answers(RemoveMember)
  async removeMember({ command_id, slug, user_id, by }: Asked<typeof RemoveMember>, meta: MessageMeta): Promise<ReplyOf<typeof RemoveMember>> {
    const { position } = await this.parts.orgs.record(slug, { type: 'RemoveMember', userId: user_id, by }, { commitId: command_id, requestId: meta.request_id });
    return { position };
  }

  @Answers(ListMembers)
  async members({ slug, by, limit, cursor }: Asked<typeof ListMembers>): Promise<ReplyOf<typeof ListMembers>> {
    const org = orgFor(await this.parts.orgs.load(slug), by, 'admin');
    const after = cursor === null || !/^\d{1,10}$/.test(cursor) ? 0 : Number(cursor);
    const found = [...org.members].filter(([userId]) => userId > after).sort(([a], [b]) => a - b).slice(0, limit + 1);
    const members = found.slice(0, limit).map(([user_id, { role, since }]) => ({ user_id, role, since }));
    return { members, next_cursor: found.length > limit ? String(members.at(-1)!.user_id) : null };
  }
}

function viewOrg({ slug, name, ownerUserId, members, createdAt }: OpenOrg): Org {
  return { slug, name, owner_user_id: ownerUserId, members: members.size, created_at: createdAt };
}
