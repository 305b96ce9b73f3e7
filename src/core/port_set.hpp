// SPDX-License-Identifier: GPL-2.0-or-later
// The distinct ports one source has tried, in the order of their first probe, each with the time of its last.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/classify.hpp"
#include "core/time.hpp"

namespace farewell::core {

/// One closed port that a source tried: evidence.
struct TriedPort {
    Port port;
    ProbeKind kind = ProbeKind::syn;
    Time first_seen;
    Time last_seen;
};

/// A few ports are searched one by one, many through an index: most sources try one or two, thresholds may be
/// 65535.
class PortSet {
 public:
    /// Returns whether the port is new to the set; a known one has its last_seen moved on.
    bool insert(const Port& port, ProbeKind kind, Time now);
    /// Drops ports not seen since `oldest`. O(size).
    void forget_before(Time oldest);

    [[nodiscard]] std::size_t size() const { return ports_.size(); }
    [[nodiscard]] const std::vector<TriedPort>& ports() const { return ports_; }
    /// Bytes on the heap.
    [[nodiscard]] std::size_t heap_bytes() const;

    static constexpr std::size_t kSearchedOneByOne = 32;

 private:
    static std::uint32_t key(const Port& port) { return std::uint32_t{port.protocol} << 16U | port.number; }
    void index_all();

    std::vector<TriedPort> ports_;
    boost::unordered_flat_map<std::uint32_t, std::uint32_t> index_;  // empty up to kSearchedOneByOne
};

}  // namespace farewell::core
