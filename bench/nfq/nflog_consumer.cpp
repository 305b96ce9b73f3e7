// SPDX-License-Identifier: GPL-2.0-or-later
// farewell::nflog: the rule drops, the consumer looks on.
#include <stop_token>
#include <thread>

#include <farewell/nflog/group.hpp>

#include "consumer.hpp"

using namespace farewell;

int main(int argc, char** argv) {
    const bench::Options options = bench::options_from(argc, argv);
    nflog::GroupConfig config;
    if (options.same) {
        config.copy_range = options.copy_range;
        config.receive_buffer_bytes = options.receive_buffer;
    }
    auto group = nflog::Group::open(config);
    if (!group) {
        return std::fprintf(stderr, "%s\n", group.error().message().c_str()), 1;
    }
    bench::Tally tally(0);
    tally.wait_for_go();
    std::stop_source stop;
    const std::jthread watch([&](const std::stop_token& ended) {
        std::uint64_t seen = ~0ULL;
        while (!ended.stop_requested() && group->stats().packets != seen) {
            seen = group->stats().packets;
            std::this_thread::sleep_for(bench::kIdle);
        }
        stop.request_stop();
    });
    const auto ended = group->run(
        [&tally](std::span<const nflog::Packet> packets) {
            for (const nflog::Packet& packet : packets) {
                tally.count(packet.sequence.value_or(0), packet.payload);
            }
            tally.batch_done();
        },
        stop.get_token());
    const nflog::Stats stats = group->stats();
    tally.print(stats.system_calls);
    return ended && stats.lost_in_socket == tally.lost() ? 0 : 1;
}
