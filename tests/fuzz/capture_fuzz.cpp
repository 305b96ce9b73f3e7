// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a capture file: read to its end or its damage, twice, as replay does, with a clock that never
// goes back and the same packets both times.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <variant>
#include <vector>

#include "core/classify.hpp"
#include "core/source_table.hpp"
#include "replay/firewall.hpp"
#include "replay/judge.hpp"
#include "replay/packet_stream.hpp"
#include "source/pcap_file.hpp"

namespace {

using namespace farewell;

void check(bool holds) {
    if (!holds) {
        std::abort();
    }
}

template <typename Visit>
std::uint64_t for_each_packet(std::vector<std::uint8_t>& content, Visit&& visit) {
    auto file = source::PcapFile::read_from(fmemopen(content.data(), content.size(), "r"));
    if (!file) {
        return 0;
    }
    replay::PacketStream stream(std::move(*file));
    core::Time last;
    std::uint64_t packets = 0;
    while (const auto seen = stream.next()) {
        check(seen->at >= last);
        last = seen->at;
        ++packets;
        visit(*seen);
    }
    check(stream.counts().frames >= packets);
    return packets;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    std::vector<std::uint8_t> content(data, data + size);
    replay::Firewall firewall({}, false, 1);
    const std::uint64_t learned = for_each_packet(
        content, [&firewall](const replay::SeenPacket& seen) { firewall.learn(seen.packet); });

    core::Limits limits;
    limits.threshold = core::Limits::kThresholdMin;
    limits.memory_bytes = 2 * core::TableLimits::kMemoryMin;  // to begin anew quickly
    replay::Judge judge(limits, {});
    const std::uint64_t judged = for_each_packet(content, [&](const replay::SeenPacket& seen) {
        judge.on_time(seen.at);
        check(firewall.fate_of(seen.packet) != replay::Fate::unknown);
        const core::Rule rule = replay::rule_of(seen);
        if (core::is_counted(rule) && !judge.keeps_out(seen.packet.source, seen.at)) {
            if (const auto sentence = judge.on_probe(replay::probe_of(seen, rule), seen.at)) {
                check(sentence->evidence.distinct > 0);
                check(sentence->ban.until > seen.at &&
                      judge.ban_around(seen.packet.source, seen.at) == sentence->ban.source);
            }
        }
    });
    check(learned == judged);
    return 0;
}
