import type { WeeklyHours } from './code-hours.ts';

/** A person as the gateway knows them. What can name them is sealed: on disk nobody is readable without the key. */
export interface UserIdentityRecord {
  readonly userIdentityId: string;
  /** Given by the application; two identities never have the same. */
  readonly key: string | undefined;
  /** {@link Person} as JSON, AES-256-GCM. */
  readonly sealedPerson: Uint8Array;
  /** Doors that the person was associated with directly, beside those of their grants. */
  readonly deviceIds: readonly string[];
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** When they were last changed, or a grant of theirs ended; undefined when nothing was since they were made. */
  readonly usedAt?: number | undefined;
}

/** What names a person. */
export interface Person {
  readonly fullName: string | undefined;
  readonly emailAddress: string | undefined;
  readonly phoneNumber: string | undefined;
}

/** Doors that are given together: a flat, a floor, a house. */
export interface SpaceRecord {
  readonly spaceId: string;
  /** Given by the application; two spaces never have the same. */
  readonly key: string | undefined;
  readonly name: string;
  readonly deviceIds: readonly string[];
  readonly parentSpaceId: string | undefined;
  readonly customerKey: string | undefined;
  readonly customerData: Readonly<Record<string, string | null>> | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

/** A PIN that a grant asks for. */
export interface RequestedMethod {
  readonly createdAt: number;
  /** The digits that the application chose, AES-256-GCM; undefined when the gateway chooses. */
  readonly sealedCode: Uint8Array | undefined;
  /** Its methods were deleted: no door gets a code for it any more. */
  readonly isWithdrawn: boolean;
  /** Doors whose method was deleted while others of the same request stayed. */
  readonly without: readonly string[];
}

/** Why a door of a grant has no code, in the words of the error table. */
export interface GrantRefusal {
  readonly deviceId: string;
  readonly type: string;
  readonly message: string;
  /** Milliseconds since the Unix epoch: since when. */
  readonly at: number;
}

/** Somebody may enter some doors for some time: intention, which outlives every attempt to bring it about. */
export interface AccessGrantRecord {
  readonly accessGrantId: string;
  /** Given by the application; two grants never have the same. */
  readonly key: string | undefined;
  readonly reservationKey: string | undefined;
  readonly userIdentityId: string;
  /** AES-256-GCM: it often names a guest. */
  readonly sealedName: Uint8Array | undefined;
  /** Doors named one by one, beside those of its spaces. */
  readonly deviceIds: readonly string[];
  readonly spaceIds: readonly string[];
  /** Milliseconds since the Unix epoch. */
  readonly startsAt: number;
  /** Undefined: open. */
  readonly endsAt: number | undefined;
  /** Within the times, at these hours alone. */
  readonly hours?: WeeklyHours | undefined;
  /** How often each door lets each PIN in. */
  readonly maxUses?: number | undefined;
  readonly createdAt: number;
  readonly requests: readonly RequestedMethod[];
  readonly refusals: readonly GrantRefusal[];
  /** Every door was seen to be open to the grant, and that was told. */
  readonly isComplete: boolean;
  /** Once it is there, nothing of the grant is wanted any more. */
  readonly removal: { readonly at: number } | undefined;
  /** It is gone, and only remembered so that a repeated deletion does no harm. Milliseconds since the Unix epoch. */
  readonly deletedAt: number | undefined;
}

/** One door of a method: the code that opens it, and what was seen of it. */
export interface MethodDoor {
  readonly deviceId: string;
  /** Undefined once the code is over. */
  readonly accessCodeId: string | undefined;
  /** The lock was seen to hold a code that opens, or will open at its start. */
  readonly granted: boolean;
  /** The lock holds it just as it is wanted. */
  readonly fitting: boolean;
  /** Its code came to its end: by time, or by use. */
  readonly over: 'ended' | 'used' | undefined;
  /** A backup code of another method stands in here. */
  readonly replacedBy: string | undefined;
}

/** One PIN and the doors that it opens. */
export interface AccessMethodRecord {
  readonly accessMethodId: string;
  readonly accessGrantId: string;
  /** Which of the grant's requests it belongs to: its place in `requests`. */
  readonly request: number;
  readonly createdAt: number;
  /** The digits, AES-256-GCM. */
  readonly sealedCode: Uint8Array;
  readonly doors: readonly MethodDoor[];
  /** When every door was last seen to hold it; undefined while one does not. */
  readonly issuedAt: number | undefined;
  readonly wasIssued: boolean;
  /** It was made of a backup code: the method that it stands in for. */
  readonly standsInFor: string | undefined;
  /** What was told of a delay or a failure since it was last issued. */
  readonly told: readonly ('delay_in_issuing' | 'failed_to_issue')[];
  readonly removal: { readonly at: number } | undefined;
}

/** To which grant a code belongs. */
export interface CodeOfGrant {
  readonly accessGrantId: string;
  readonly accessMethodId: string;
}
