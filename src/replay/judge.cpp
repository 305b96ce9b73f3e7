// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay/judge.hpp"

#include <chrono>
#include <utility>

#include "core/bannable.hpp"
#include "core/knowledge.hpp"

namespace farewell::replay {

Judge::Judge(const core::Limits& limits, const std::vector<core::Prefix>& allowlist)
    : engine_(limits, allowlist), banned_until_(0, core::KeyedHash{.key = limits.hash_key}) {}

void Judge::on_time(core::Time now) {
    constexpr std::chrono::seconds kTickEvery{1};
    if (last_tick_ != core::Time::min() && now - last_tick_ < kTickEvery) {
        return;
    }
    last_tick_ = now;
    const core::Engine::Due due = engine_.on_tick(now);
    for (const core::Unban& unban : due.unbans) {
        banned_until_.erase(unban.source);
    }
    for (const core::Ban& ban : due.bans) {
        enforce(ban, now);
    }
}

void Judge::enforce(const core::Ban& ban, core::Time now) {
    engine_.on_enforced(ban, now);
    banned_until_[ban.source] = ban.until;
}

bool Judge::keeps_out(const core::Address& source, core::Time now) const {
    return ban_around(source, now).has_value();
}

std::optional<core::Prefix> Judge::ban_around(const core::Address& source, core::Time now) const {
    const auto ban_of = [this, now](const core::Prefix& prefix) -> std::optional<core::Prefix> {
        const auto ban = banned_until_.find(prefix);
        return ban != banned_until_.end() && now < ban->second ? std::optional(prefix) : std::nullopt;
    };
    std::optional<core::Prefix> found = ban_of(core::Prefix::of(source));
    for (const std::uint8_t length : core::counted_lengths(source.family())) {
        found = found ? found : ban_of(core::Prefix::of(source, length));
    }
    return found;
}

std::optional<Sentence> Judge::on_probe(const core::Probe& probe, core::Time now) {
    const auto ban = engine_.on_probe(probe, now);
    if (!ban) {
        return std::nullopt;
    }
    enforce(*ban, now);
    auto record = engine_.ban_of(ban->source, now);
    return Sentence{.ban = *ban, .evidence = record ? std::move(record->evidence) : core::Evidence()};
}

core::Evidence Judge::known_of(const core::Address& source, const core::Address& host, core::Time now) const {
    return engine_.report(source, now, host).evidence;
}

core::Rule rule_of(const SeenPacket& seen) {
    static const core::Knowledge nothing;
    return core::classify(seen.packet, nothing, seen.link);
}

core::Probe probe_of(const SeenPacket& seen, core::Rule rule) {
    core::Probe probe = core::probe_of(seen.packet, rule);
    probe.is_forwarded = true;
    return probe;
}

}  // namespace farewell::replay
