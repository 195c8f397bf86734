import type { FoundAdapter } from './adapter-finder.ts';
import type { StackTrouble } from './stack.ts';

/** A word for monitoring, and what a person can do. */
export interface AdapterTrouble {
  readonly reason: string;
  readonly hint: string;
}

/** Says why an adapter that is there cannot be used. */
export function adapterTrouble(
  trouble: StackTrouble,
  { binding, name }: FoundAdapter,
  configured: string,
): AdapterTrouble {
  const which = `The Bluetooth adapter ${configured} (${name})`;
  if (binding.kind === 'uart' || binding.kind === 'in-process')
    return {
      reason: trouble === 'off' ? 'adapter_lost' : 'not_answering',
      hint: `${which} does not answer. Check the dongle, its baud rate and its firmware.`,
    };
  if (binding.kind === 'dbus') return bluezAdapterTrouble(trouble, which);
  switch (trouble) {
    case 'forbidden':
      return {
        reason: 'no_permission',
        hint: `${which} may not be opened. The service needs CAP_NET_RAW; see docs/operations.md.`,
      };
    case 'unsupported':
      return {
        reason: 'unsupported',
        hint: binding.userChannel
          ? `${which} could not be taken for the gateway alone. Bring it down first (\`hciconfig ${name} down\`), stop ` +
            'bluetoothd, and give the service CAP_NET_RAW and CAP_NET_ADMIN.'
          : `${which} does not know Bluetooth LE, or its kernel does not. Use another adapter.`,
      };
    case 'off':
      return {
        reason: 'adapter_off',
        hint: `${which} is switched off, or the service lacks CAP_NET_RAW. Switch it on with \`hciconfig ${name} up\`.`,
      };
    case 'not_answering':
      return { reason: 'not_answering', hint: `${which} does not answer. Pull it and put it back.` };
  }
}

function bluezAdapterTrouble(trouble: StackTrouble, which: string): AdapterTrouble {
  switch (trouble) {
    case 'off':
      return {
        reason: 'adapter_off',
        hint:
          `${which} is switched off in BlueZ. Switch it on with \`bluetoothctl power on\`; \`rfkill list\` shows ` +
          'whether it is blocked.',
      };
    case 'not_answering':
      return {
        reason: 'not_answering',
        hint:
          `${which} does not do what BlueZ tells it. Restart bluetoothd (\`systemctl restart bluetooth\`), or pull the ` +
          'adapter and put it back.',
      };
    default:
      return {
        reason: 'adapter_lost',
        hint: `${which} was lost: bluetoothd stopped, or the adapter was pulled. It is looked for again.`,
      };
  }
}
