import { describe, expect, test } from 'vitest';
import { ClusterMetadata, type StoredAcl } from '../../src/broker/metadata/cluster-metadata.ts';
import { FaultDisk } from './fault-disk.ts';

const ACL: StoredAcl = {
  resourceType: 2,
  resourceName: 'orders',
  patternType: 3,
  principal: 'User:ann',
  host: '*',
  operation: 3,
  permissionType: 3,
};
const QUOTA = { entity: { user: null, 'client-id': 'loader' }, limits: { producer_byte_rate: 1024.5 } };
const FILE = '/data/cluster-metadata.json';

function directory(): FaultDisk {
  const disk = new FaultDisk();
  disk.makeDirectory('/data');
  disk.syncDirectory();
  return disk;
}

describe('What the cluster keeps beside topics', () => {
  test('is there after a loss of power, all of it', () => {
    const disk = directory();
    const metadata = ClusterMetadata.open(disk, '/data');
    metadata.change({ acls: [ACL], quotas: [QUOTA] });
    metadata.setConfigs([{ resourceType: 4, resourceName: '', configs: { 'log.retention.ms': '5' } }]);
    metadata.change({ features: { 'group.version': 0 } });
    const again = ClusterMetadata.open(
      disk.crash(() => 0),
      '/data',
    );
    expect(again.current).toEqual(metadata.current);
    expect(again.current).toMatchObject({ acls: [ACL], quotas: [QUOTA], features: { 'group.version': 0 } });
    expect(again.configsOf(4, '')).toEqual({ 'log.retention.ms': '5' });
    expect(again.configsOf(4, '1')).toEqual({});
    expect(again.changes).toBe(3);
  });

  test('does not change when the disk does not take the change, and nobody is told of one', () => {
    const disk = directory();
    const metadata = ClusterMetadata.open(disk, '/data');
    metadata.change({ acls: [ACL] });
    const before = metadata.current;
    const told: number[] = [];
    metadata.onChange(({ acls }) => told.push(acls.length));
    disk.failWrites = true;
    expect(() => metadata.change({ acls: [] })).toThrow(/ENOSPC|no space|full/i);
    expect(metadata.current).toBe(before);
    disk.failWrites = false;
    metadata.change({ acls: [] });
    expect(told).toEqual([1, 0]);
  });

  test('configs that were all taken back leave nothing', () => {
    const metadata = ClusterMetadata.open(directory(), '/data');
    metadata.setConfigs([{ resourceType: 32, resourceName: 'g', configs: { 'consumer.session.timeout.ms': '50000' } }]);
    metadata.setConfigs([{ resourceType: 32, resourceName: 'g', configs: {} }]);
    expect(metadata.current.configs).toEqual([]);
  });

  test.each([
    ['no JSON', '{"version":1,'],
    ['a list', '[]'],
    [
      'another version',
      '{"version":2,"changes":1,"acls":[],"scramCredentials":[],"quotas":[],"configs":[],"features":{}}',
    ],
    ['a missing part', '{"version":1,"changes":1,"acls":[],"quotas":[],"configs":[],"features":{}}'],
    [
      'a rule without a name',
      '{"version":1,"changes":1,"acls":[{"resourceType":2}],"scramCredentials":[],"quotas":[],"configs":[],"features":{}}',
    ],
  ])('a damaged file is not taken for no rules: %s', (_, text) => {
    const disk = directory();
    disk.replaceFile(FILE, text, true);
    expect(() => ClusterMetadata.open(disk, '/data')).toThrow(/cluster-metadata\.json is damaged.*Restore that file/);
  });
});
