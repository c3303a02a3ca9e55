package partition

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/spillway/spillway/internal/store"
)

// Slots is the number of slots that resources hash to. It never changes: slots
// are what is moved when the number of partitions does.
const Slots = 1024

// slotMap says which data partition has each slot. It is decided when the data
// folder is made, and stored in the folder:
//
//	key    [0][SpaceMeta][1]
//	value  [version 1: 1 byte][data partitions: 2][1,024 x partition: 2], big endian
type slotMap struct {
	partitions int
	owner      [Slots]uint16
}

const slotMapVersion = 1

func slotMapKey() []byte { return store.AppendKey(nil, 0, store.SpaceMeta, 1) }

// Slot returns the slot of a resource. The function is part of the data format.
func Slot(id uint64) int {
	// The finalizer of SplitMix64: ids that count up spread evenly.
	id = (id ^ id>>30) * 0xbf58476d1ce4e5b9
	id = (id ^ id>>27) * 0x94d049bb133111eb
	return int((id ^ id>>31) % Slots)
}

func (m *slotMap) of(slot int) uint16 { return m.owner[slot] }

// openSlots reads the map, or makes one for a new folder.
func openSlots(st *store.Store, partitions int) (slotMap, error) {
	var m slotMap
	value, ok, err := st.Get(slotMapKey())
	if err != nil {
		return m, fmt.Errorf("read slot map: %w", err)
	}
	if ok {
		if err := m.decode(value); err != nil {
			return m, fmt.Errorf("read slot map: %w", err)
		}
		return m, nil
	}
	m.partitions = partitions
	for slot := range m.owner {
		m.owner[slot] = uint16(slot%partitions) + 1
	}
	b := st.NewBatch()
	b.Set(slotMapKey(), m.encode())
	if err := b.Commit(true); err != nil {
		return m, fmt.Errorf("write slot map: %w", err)
	}
	return m, nil
}

// Count returns the number of data partitions of a data folder; ok is false for one
// that has none yet.
func Count(r store.Reader) (n int, ok bool, err error) {
	value, ok, err := r.Get(slotMapKey())
	if err != nil || !ok {
		return 0, false, err
	}
	var m slotMap
	if err := m.decode(value); err != nil {
		return 0, false, fmt.Errorf("read slot map: %w", err)
	}
	return m.partitions, true, nil
}

func (m *slotMap) encode() []byte {
	value := binary.BigEndian.AppendUint16([]byte{slotMapVersion}, uint16(m.partitions))
	for _, p := range m.owner {
		value = binary.BigEndian.AppendUint16(value, p)
	}
	return value
}

func (m *slotMap) decode(value []byte) error {
	if len(value) != 3+2*Slots || value[0] != slotMapVersion {
		return errors.New("damaged, or of an unknown version")
	}
	m.partitions = int(binary.BigEndian.Uint16(value[1:]))
	if m.partitions < 1 || m.partitions > maxPartitions {
		return fmt.Errorf("damaged: %d partitions", m.partitions)
	}
	for slot := range m.owner {
		p := binary.BigEndian.Uint16(value[3+2*slot:])
		if p < 1 || int(p) > m.partitions {
			return fmt.Errorf("damaged: slot %d is in partition %d of %d", slot, p, m.partitions)
		}
		m.owner[slot] = p
	}
	return nil
}

// Check reports what is wrong with the partitions' own records; for store.Check.
func Check(r store.Reader, report func(problem string)) error {
	value, ok, err := r.Get(slotMapKey())
	if err != nil {
		return err
	}
	if !ok {
		report("the slot map is missing: which partition holds what is not known")
		return nil
	}
	if err := new(slotMap).decode(value); err != nil {
		report("slot map: " + err.Error())
	}
	return nil
}
