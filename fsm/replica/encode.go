package replica

import (
	"fmt"
	"strconv"

	"dtsim/fsm/internal/canon"
)

// appendJSON appends the JSON form of the document, the bytes that json.Marshal returns
// for it, where appendTasks appends that of the tasks.
func (d document) appendJSON(b []byte, appendTasks func([]byte) ([]byte, error)) (_ []byte, err error) {
	b = strconv.AppendUint(append(b, `{"applied_index":`...), d.AppliedIndex, 10)
	if b, err = appendTasks(append(b, `,"distributed_tasks":`...)); err != nil {
		return b, err
	}
	if b, err = canon.Array(append(b, `,"schema":`...), d.Schema, appendCollection); err != nil {
		return b, fmt.Errorf("schema: %w", err)
	}
	if b, err = canon.Array(append(b, `,"sessions":`...), d.Sessions, appendSession); err != nil {
		return b, fmt.Errorf("sessions: %w", err)
	}
	if d.Dropped > 0 {
		b = strconv.AppendUint(append(b, `,"sessions_dropped":`...), d.Dropped, 10)
	}
	return append(b, '}'), nil
}

func appendCollection(b []byte, c *Collection) (_ []byte, err error) {
	if c == nil {
		return append(b, "null"...), nil
	}
	b = canon.String(append(b, `{"name":`...), c.Name)
	b = strconv.AppendUint(append(b, `,"version":`...), c.Version, 10)
	if c.MultiTenant {
		b = append(b, `,"multiTenant":true`...)
	}
	if len(c.Properties) > 0 {
		if b, err = canon.Object(append(b, `,"properties":`...), c.Properties, appendProperty); err != nil {
			return b, err
		}
	}
	if len(c.Shards) > 0 {
		if b, err = canon.Object(append(b, `,"shards":`...), c.Shards, appendShard); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func appendProperty(b []byte, p Property) ([]byte, error) {
	b = canon.String(append(b, `{"tokenization":`...), p.Tokenization)
	if p.FlippedBy != 0 {
		b = strconv.AppendUint(append(b, `,"flippedBy":`...), p.FlippedBy, 10)
	}
	if p.UpdatedAt != 0 {
		b = strconv.AppendUint(append(b, `,"updatedAt":`...), p.UpdatedAt, 10)
	}
	return append(b, '}'), nil
}

func appendShard(b []byte, s Shard) (_ []byte, err error) {
	b, err = canon.Array(append(b, `{"nodes":`...), s.Nodes, func(b []byte, node string) ([]byte, error) {
		return canon.String(b, node), nil
	})
	if err != nil {
		return b, err
	}
	b = canon.String(append(b, `,"status":`...), s.Status)
	if len(s.Swapped) > 0 {
		if b, err = canon.Object(append(b, `,"swapped":`...), s.Swapped, appendSwap); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func appendSwap(b []byte, s TenantSwap) ([]byte, error) {
	b = canon.String(append(b, `{"tokenization":`...), s.Tokenization)
	b = strconv.AppendUint(append(b, `,"by":`...), s.By, 10)
	return append(b, '}'), nil
}

func appendSession(b []byte, r sessionRecord) (_ []byte, err error) {
	b = canon.String(append(b, `{"client":`...), r.Client)
	b = strconv.AppendUint(append(b, `,"low":`...), r.Low, 10)
	b = strconv.AppendUint(append(b, `,"last":`...), r.Last, 10)
	if len(r.Outcomes) > 0 {
		if b, err = canon.Array(append(b, `,"outcomes":`...), r.Outcomes, appendRemembered); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func appendRemembered(b []byte, r remembered) (_ []byte, err error) {
	b = strconv.AppendUint(append(b, `{"seq":`...), r.Seq, 10)
	b = strconv.AppendUint(append(b, `,"index":`...), r.Index, 10)
	if r.Code != 0 {
		b = strconv.AppendUint(append(b, `,"code":`...), uint64(r.Code), 10)
	}
	if r.Message != "" {
		b = canon.String(append(b, `,"message":`...), r.Message)
	}
	return append(b, '}'), nil
}
