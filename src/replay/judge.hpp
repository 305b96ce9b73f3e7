// SPDX-License-Identifier: GPL-2.0-or-later
// The core at work on a capture: takes what the firewall dropped, says who is banned, and keeps the banned
// out for as long as the kernel would have. The one place of replay that asks the core. Pure.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>
#include <vector>

#include "core/address.hpp"
#include "core/classify.hpp"
#include "core/engine.hpp"
#include "core/evidence.hpp"
#include "core/limits.hpp"
#include "core/time.hpp"
#include "replay/packet_stream.hpp"

namespace farewell::replay {

/// A ban as it would have fallen.
struct Sentence {
    core::Ban ban;
    core::Evidence evidence;
};

/// What a packet that the firewall dropped is to the core, which knows nothing here of a host of its own. A
/// capture shows many hosts, so each is one behind a gateway.
[[nodiscard]] core::Rule rule_of(const SeenPacket& seen);
[[nodiscard]] core::Probe probe_of(const SeenPacket& seen, core::Rule rule);

class Judge {
 public:
    Judge(const core::Limits& limits, const std::vector<core::Prefix>& allowlist);

    /// Time passed; it may stand still, not go back.
    void on_time(core::Time now);
    /// Whether a ban in force keeps packets of this source from reaching the firewall.
    [[nodiscard]] bool keeps_out(const core::Address& source, core::Time now) const;
    /// The ban that does.
    [[nodiscard]] std::optional<core::Prefix> ban_around(const core::Address& source, core::Time now) const;
    [[nodiscard]] std::optional<Sentence> on_probe(const core::Probe& probe, core::Time now);
    /// What a source that is not banned has tried of one host within the window.
    [[nodiscard]] core::Evidence known_of(const core::Address& source, const core::Address& host,
                                          core::Time now) const;

 private:
    void enforce(const core::Ban& ban, core::Time now);

    core::Engine engine_;
    core::Time last_tick_ = core::Time::min();
    boost::unordered_flat_map<core::Prefix, core::Time, core::KeyedHash> banned_until_;
};

}  // namespace farewell::replay
