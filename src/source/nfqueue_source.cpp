// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/nfqueue_source.hpp"

#include <utility>

#include "source/boot_clock.hpp"

namespace farewell::source {

struct NfqueueSource::Lane {
    explicit Lane(const BroadcastAddresses& broadcasts) : reader(ring, broadcasts) {}
    ProbeRing ring;
    PacketReader reader;
};

NfqueueSource::NfqueueSource(nfq::Pool pool, const NfqueueSettings& settings,
                             const BroadcastAddresses& broadcasts, Doorbell& doorbell)
    : pool_(std::move(pool)), first_queue_(settings.first_queue), doorbell_(doorbell) {
    lanes_.reserve(std::size_t{settings.last_queue} - settings.first_queue + 1);
    for (std::uint32_t number = settings.first_queue; number <= settings.last_queue; ++number) {
        lanes_.push_back(std::make_unique<Lane>(broadcasts));
    }
}

NfqueueSource::~NfqueueSource() {
    [[maybe_unused]] const auto stopped = pool_.stop();  // before the lanes that its threads work with go
}

std::expected<std::unique_ptr<NfqueueSource>, nfq::Error> NfqueueSource::open(
    const NfqueueSettings& settings, const BroadcastAddresses& broadcasts, Doorbell& doorbell) {
    nfq::QueueConfig config;
    config.copy_range = settings.copy_range;
    config.max_length = settings.max_length;
    config.receive_buffer_bytes = settings.receive_buffer_bytes;
    config.default_verdict = settings.accept ? nfq::Verdict::accept() : nfq::Verdict::drop();
    auto pool = nfq::Pool::open(config, settings.first_queue, settings.last_queue);
    if (!pool) {
        return std::unexpected(pool.error());
    }
    // The constructor is private.
    return std::unique_ptr<NfqueueSource>(
        new NfqueueSource(std::move(*pool), settings, broadcasts, doorbell));  // NOLINT
}

std::vector<ProbeRing*> NfqueueSource::rings() const {
    std::vector<ProbeRing*> rings;
    rings.reserve(lanes_.size());
    for (const auto& lane : lanes_) {
        rings.push_back(&lane->ring);
    }
    return rings;
}

void NfqueueSource::start() {
    pool_.start([this](std::uint16_t number) -> nfq::Pool::Handler {
        PacketReader& reader = lanes_[static_cast<std::size_t>(number - first_queue_)]->reader;
        // No verdict is set: the default one is what every packet gets.
        return [&reader, &doorbell = doorbell_](const nfq::Batch& batch) {
            const core::Time now = boot_now();
            bool pushed = false;
            for (const nfq::Packet& packet : batch.packets()) {
                pushed = reader.read(packet.payload, packet.original_length, now) || pushed;
            }
            if (pushed) {
                doorbell.ring();
            }
        };
    });
}

std::expected<void, nfq::Error> NfqueueSource::stop() {
    return pool_.stop();
}

bool NfqueueSource::has_failed() const {
    return pool_.has_failed();
}

std::vector<NfqueueSource::QueueStatus> NfqueueSource::status() const {
    std::vector<QueueStatus> status;
    const auto members = pool_.stats();
    status.reserve(members.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
        status.push_back(
            {.number = members[i].number, .stats = members[i].stats, .counts = lanes_[i]->reader.counts()});
    }
    return status;
}

}  // namespace farewell::source
